// Well-formed things that a policy refuses, and images that are not what their UUID says.
#include <fcntl.h>
#include <sys/stat.h>

#include <list>

#include "fsck/audit_policy.h"
#include "tests/bad/bad_image.h"

namespace amberfs {
namespace {

constexpr std::uint64_t kModeField = offsetof(wire::InodeExtended, mode);

// Allows all that the good image has, and then what change(policy) leaves of it. Lives on.
template <typename Change>
const AuditPolicy* Policy(Change change) {
  static std::list<AuditPolicy> policies;
  AuditPolicy& policy = policies.emplace_back();
  policy.allow_set_id = policy.allow_file_capabilities = policy.allow_devices = true;
  policy.allow_world_writable = policy.allow_absolute_links = policy.allow_escaping_links = true;
  policy.allow_whiteouts = policy.allow_overlay_xattrs = true;
  change(policy);
  return &policy;
}
const AuditPolicy* Refusing(bool AuditPolicy::* flag) {
  return Policy([flag](AuditPolicy& policy) { policy.*flag = false; });
}

void SetTarget(BadImage& image, std::string_view target) {
  std::ranges::copy(AsBytes(target),
                    image.bytes.begin() + static_cast<std::ptrdiff_t>(image.BodyAt("/link")));
}

BAD_IMAGE(AUD1, SetUserIdFile) {
  image.EditCompact("/empty", [](auto& inode) { inode.mode = S_IFREG | 04755; });
  image.options.policy = Refusing(&AuditPolicy::allow_set_id);
  return image.InodeAt("/empty") + kModeField;
}

BAD_IMAGE(AUD1, SetGroupIdFile) {
  image.EditCompact("/empty", [](auto& inode) { inode.mode = S_IFREG | 02755; });
  image.options.policy = Refusing(&AuditPolicy::allow_set_id);
  return image.InodeAt("/empty") + kModeField;
}

BAD_IMAGE(AUD2, CapabilitiesOfAFile) {
  const std::uint64_t at = image.InlineXattrAt("/file", "label");
  const std::uint64_t next = image.InlineXattrAt("/file", "opaque");
  // Its name and value become the longer name, and the entry behind it the value.
  image.Edit<wire::XattrEntry>(at, [&](auto& entry) {
    entry.name_len = 10;
    entry.value_size = static_cast<std::uint16_t>(next + 6 + 1 - at - 10);
  });
  std::ranges::copy(
      AsBytes(std::string_view("capability")),
      image.bytes.begin() + static_cast<std::ptrdiff_t>(at + sizeof(wire::XattrEntry)));
  image.Edit<wire::XattrHeader>(image.XattrsAt("/file"),
                                [](auto& header) { header.name_filter = 0; });
  image.options.policy = Refusing(&AuditPolicy::allow_file_capabilities);
  return at;
}

BAD_IMAGE(AUD3, CharacterDevice) {
  image.options.policy = Refusing(&AuditPolicy::allow_devices);
  return image.InodeAt("/null") + kModeField;
}

BAD_IMAGE(AUD4, FileThatAllCanWriteTo) {
  image.EditCompact("/empty", [](auto& inode) { inode.mode = S_IFREG | 0646; });
  image.EditCompact("/null", [](auto& inode) { inode.mode = S_IFCHR | 0600; });
  image.options.policy = Refusing(&AuditPolicy::allow_world_writable);
  return image.InodeAt("/empty") + kModeField;
}

BAD_IMAGE(AUD4, DirectoryWithoutTheStickyBit) {
  image.EditExtended("/dir/sub", [](auto& inode) { inode.mode = S_IFDIR | 0777; });
  image.EditCompact("/dir", [](auto& inode) { inode.mode = S_IFDIR | 01777; });
  image.EditCompact("/null", [](auto& inode) { inode.mode = S_IFCHR | 0600; });
  image.options.policy = Refusing(&AuditPolicy::allow_world_writable);
  return image.InodeAt("/dir/sub") + kModeField;
}

BAD_IMAGE(AUD5, AbsoluteLink) {
  SetTarget(image, "/di/sub");
  image.options.policy = Refusing(&AuditPolicy::allow_absolute_links);
  return image.InodeAt("/link");
}

BAD_IMAGE(AUD6, LinkAboveTheRoot) {
  SetTarget(image, "a/../..");
  image.options.policy = Refusing(&AuditPolicy::allow_escaping_links);
  return image.InodeAt("/link");
}

BAD_IMAGE(AUD6, AbsoluteLinkAboveTheRoot) {
  SetTarget(image, "/../etc");
  image.options.policy = Refusing(&AuditPolicy::allow_escaping_links);
  return image.InodeAt("/link");
}

BAD_IMAGE(AUD7, Whiteout) {
  image.EditCompact("/null", [](auto& inode) { inode.u = 0; });
  image.options.policy = Refusing(&AuditPolicy::allow_whiteouts);
  return image.InodeAt("/null") + kModeField;
}

BAD_IMAGE(AUD8, OpaqueMark) {
  image.options.policy = Refusing(&AuditPolicy::allow_overlay_xattrs);
  return image.InlineXattrAt("/file", "opaque");
}

BAD_IMAGE(AUD9, AttributeThatIsNotNamed) {
  image.options.policy = Policy([](AuditPolicy& policy) {
    policy.xattrs = {"user.", "system.posix_acl_access", "system.posix_acl_default"};
  });
  return image.InlineXattrAt("/file", "label");
}

BAD_IMAGE(AUD10, OwnerOutOfRange) {
  image.EditCompact("/empty", [](auto& inode) { inode.uid = 1000; });
  image.options.policy = Policy([](AuditPolicy& policy) { policy.owners = {{0, 999}}; });
  return image.InodeAt("/empty") + kModeField;
}

BAD_IMAGE(AUD10, GroupOutOfRange) {
  image.options.policy = Policy([](AuditPolicy& policy) { policy.groups = {{1, 9}, {0, 0}}; });
  image.EditCompact("/empty", [](auto& inode) { inode.gid = 10; });
  return image.InodeAt("/empty") + kModeField;
}

BAD_IMAGE(AUD11, OneInodeTooMany) {
  image.options.policy = Policy([](AuditPolicy& policy) { policy.max_inodes = 13; });
  return Error::kNowhere;
}

BAD_IMAGE(AUD11, MoreBytesThanAllowed) {
  image.options.policy = Policy([](AuditPolicy& policy) { policy.max_bytes = 1 << 20; });
  return Error::kNowhere;
}

BAD_IMAGE(CAN1, UuidOfSomethingElse) {
  image.options.level = CheckLevel::kStrict;
  return GoodImage::kSb + offsetof(wire::Superblock, uuid);
}

TEST(Audit, LinksAreJudgedWhereTheyLie) {
  GoodImage image;
  image.EditEntry("/dir/sub", "link", [&](auto& entry) {
    entry.nid = image.NidOf("/link");
    entry.file_type = 7;
  });
  image.EditCompact("/file", [](auto& inode) { inode.nb = 1; });
  image.EditCompact("/link", [](auto& inode) { inode.nb = 2; });
  const std::string_view target = "../x/..";  // fits below /dir/sub, not in the root
  std::ranges::copy(AsBytes(target),
                    image.bytes.begin() + static_cast<std::ptrdiff_t>(image.BodyAt("/link")));
  image.Seal();
  CheckOptions options;
  options.policy = Refusing(&AuditPolicy::allow_escaping_links);
  const Report report = CheckImage(image.Primary(), image.Devices(), options);
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].path, "/link");
  EXPECT_EQ(report.findings[0].detail, "../x/..");
  EXPECT_EQ(report.verdict(), Report::Verdict::kRefused);
  EXPECT_EQ(VerdictName(report.verdict()), "refused");
}

TEST(AuditPolicy, IsReadFromLines) {
  const auto policy = AuditPolicy::Parse(
      "# for roots of operating systems\n"
      "set-id = allow\nworld-writable = refuse\n  absolute-links=allow  # /etc/alternatives\n"
      "xattrs = user. security.selinux\nowners = 0-65535 100000\ngroups = any\n"
      "max-inodes = 1000000\nmax-bytes = 8589934592\n");
  ASSERT_TRUE(policy) << policy.error();
  EXPECT_TRUE(policy->allow_set_id);
  EXPECT_FALSE(policy->allow_world_writable);
  EXPECT_TRUE(policy->allow_absolute_links);
  EXPECT_FALSE(policy->allow_devices);
  EXPECT_EQ(policy->xattrs, (std::vector<std::string>{"user.", "security.selinux"}));
  EXPECT_EQ(policy->owners, (AuditPolicy::IdRanges{{0, 65535}, {100000, 100000}}));
  EXPECT_TRUE(policy->groups.empty());
  EXPECT_EQ(policy->max_inodes, 1'000'000U);
  EXPECT_EQ(policy->max_bytes, std::uint64_t{8} << 30);

  for (const char* bad :
       {"set-id = maybe", "set-id", "set_id = allow", "owners =", "owners = 9-1", "owners = 1-",
        "owners = -1", "groups = 4294967296", "max-bytes = 1K", "max-inodes =", "= allow"})
    EXPECT_FALSE(AuditPolicy::Parse(bad)) << bad;
  EXPECT_EQ(AuditPolicy::Parse("set-id = allow\n\nwhat\n").error(), "line 3 makes no sense");
}

}  // namespace
}  // namespace amberfs
