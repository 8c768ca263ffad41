#include "extract/attributes.h"

#include <sys/xattr.h>

#include <array>

#include "tests/bad/target_folder.h"
#include "tests/bad/tree_image.h"

namespace amberfs {
namespace {

constexpr TreeImage::Id kRoot = TreeImage::kRoot;
constexpr std::uint32_t kNoId = 0xFFFFFFFF;

// tag, permissions, id for each entry
std::string Acl(std::initializer_list<std::array<std::uint32_t, 3>> entries) {
  std::string out(AsText(WireBytes(Le32(2))));
  for (const auto& [tag, perm, id] : entries) {
    out += AsText(WireBytes(Le16(static_cast<std::uint16_t>(tag))));
    out += AsText(WireBytes(Le16(static_cast<std::uint16_t>(perm))));
    out += AsText(WireBytes(Le32(id)));
  }
  return out;
}

class AttributesTest : public TargetFolder {
 protected:
  // Of the only file in the image, whose mode and xattrs are these.
  Result<Attributes> Of(std::uint16_t mode, const std::vector<TreeImage::Xattr>& xattrs,
                        const AttributePolicy& policy) {
    TreeImage tree;
    const auto file = tree.AddFile(kRoot, "file", "", mode);
    tree[file].uid = 70000;
    tree[file].gid = 100;
    tree[file].xattrs = xattrs;
    const Image image = tree.Open();
    return ReadAttributes(image, *image.ReadInode(Nid{TreeImage::kBlock / 32 + 4}), policy);
  }

  static std::vector<std::string> Names(const Attributes& attributes) {
    std::vector<std::string> names;
    for (const auto& xattr : attributes.xattrs) names.push_back(xattr.name);
    return names;
  }
};

constexpr AttributePolicy kMine = {OwnerPolicy::kMe, XattrPolicy::kUser, false};
constexpr AttributePolicy kKept = {OwnerPolicy::kKeep, XattrPolicy::kUser, false};
using Strings = std::vector<std::string>;

TEST_F(AttributesTest, SetIdBitsAreLeftOutUnlessAskedFor) {
  EXPECT_EQ(Of(07755, {}, kMine)->mode, 01755U);
  EXPECT_EQ(Of(07755, {}, {OwnerPolicy::kMe, XattrPolicy::kUser, true})->mode, 07755U);
}

TEST_F(AttributesTest, OwnersAreKeptOrNot) {
  EXPECT_EQ(Of(0644, {}, kKept)->uid, 70000U);
  EXPECT_EQ(Of(0644, {}, kKept)->gid, 100U);
  EXPECT_FALSE(Of(0644, {}, kMine)->uid.has_value());
}

TEST_F(AttributesTest, XattrsAreChosenByNamespace) {
  const std::vector<TreeImage::Xattr> all = {
      {wire::kXattrUser, "u", "1"},
      {wire::kXattrTrusted, "t", "2"},
      {wire::kXattrSecurity, "selinux", "3"},
      {wire::kXattrSecurity, "capability", "4"},
      {wire::kXattrAclAccess, "", Acl({{1, 6, kNoId}, {4, 4, kNoId}, {32, 4, kNoId}})},
      {wire::kXattrAclDefault, "", Acl({})}};
  const Strings acls = {"system.posix_acl_access", "system.posix_acl_default"};
  EXPECT_EQ(Names(*Of(0644, all, {OwnerPolicy::kKeep, XattrPolicy::kNone, true})), Strings{});
  EXPECT_EQ(Names(*Of(0644, all, kMine)), Strings{"user.u"});
  EXPECT_EQ(Names(*Of(0644, all, kKept)), (Strings{"user.u", acls[0], acls[1]}));
  EXPECT_EQ(Names(*Of(0644, all, {OwnerPolicy::kKeep, XattrPolicy::kAll, false})),
            (Strings{"user.u", "trusted.t", "security.selinux", acls[0], acls[1]}));
  EXPECT_EQ(Names(*Of(0644, all, {OwnerPolicy::kMe, XattrPolicy::kAll, true})),
            (Strings{"user.u", "trusted.t", "security.selinux", "security.capability"}));
}

TEST_F(AttributesTest, OfTwoWithOneNameTheFirstCounts) {
  const auto attributes =
      Of(0644, {{wire::kXattrUser, "u", "first"}, {wire::kXattrUser, "u", "second"}}, kMine);
  ASSERT_EQ(attributes->xattrs.size(), 1U);
  EXPECT_EQ(attributes->xattrs[0].value, "first");
  EXPECT_EQ(attributes->bytes(), 11U);
}

// With an ACL, the mode shows its mask as the group's permissions: more than the group has.
TEST_F(AttributesTest, WithoutItsAclAFileIsNotMoreOpen) {
  const std::string acl =
      Acl({{1, 6, kNoId}, {2, 6, 1000}, {4, 4, kNoId}, {16, 7, kNoId}, {32, 0, kNoId}});
  const std::vector<TreeImage::Xattr> xattrs = {{wire::kXattrAclAccess, "", acl}};
  EXPECT_EQ(Of(0670, xattrs, kKept)->mode, 0670U);
  EXPECT_EQ(Of(0670, xattrs, kKept)->mode_without_acl, 0640U);
  EXPECT_EQ(Of(0670, xattrs, kMine)->mode, 0640U);
  EXPECT_EQ(Of(0670, xattrs, {OwnerPolicy::kKeep, XattrPolicy::kNone, false})->mode, 0640U);
  EXPECT_EQ(Of(0677, {{wire::kXattrAclAccess, "", "rubbish"}}, kMine)->mode, 0600U);
}

TEST_F(AttributesTest, BrokenAttributesAreAnErrorUnlessNoneAreWanted) {
  const std::vector<TreeImage::Xattr> broken = {{wire::kXattrUser, "", "no name"}};
  EXPECT_EQ(Of(0644, broken, kMine).error().rule, Rule::kXa6);
  const auto attributes = Of(0644, broken, {OwnerPolicy::kMe, XattrPolicy::kNone, false});
  ASSERT_TRUE(attributes);
  EXPECT_EQ(attributes->mode, 0600U) << "there may be an ACL among them";
}

TEST_F(AttributesTest, ApplyGivesThemToAFile) {
  const SafeDir dir = Open().directory;
  const Attributes attributes{
      .type = FileType::kRegular, .mode = 0451, .mtime = -5, .mtime_nsec = 7};
  const UniqueFd fd = *dir.MakeFile("file");
  EXPECT_TRUE(ApplyAttributes(attributes, fd.get(), [](const std::string& what, const Error& why) {
    ADD_FAILURE() << what << ": " << Describe(why);
  }));
  const struct stat st = Stat(In("file"));
  EXPECT_EQ(st.st_mode & 07777, 0451U);
  EXPECT_EQ(st.st_mtim.tv_sec, -5);
  EXPECT_EQ(st.st_mtim.tv_nsec, 7);
}

TEST_F(AttributesTest, ApplyReachesWhatCannotBeOpened) {
  const SafeDir dir = Open().directory;
  const auto expect_no_complaint = [](const std::string& what, const Error& why) {
    ADD_FAILURE() << what << ": " << Describe(why);
  };
  Attributes attributes{.type = FileType::kSymlink, .mode = 0777, .mtime = 12345};
  ASSERT_TRUE(dir.MakeFile("file"));
  const struct stat before = Stat(In("file"));
  const UniqueFd link = *dir.MakeSymlink("link", "file");
  EXPECT_TRUE(ApplyAttributes(attributes, link.get(), expect_no_complaint));
  EXPECT_EQ(Stat(In("link")).st_mtim.tv_sec, 12345);
  EXPECT_EQ(Stat(In("file")).st_mtim.tv_sec, before.st_mtim.tv_sec) << "it was followed";
  EXPECT_EQ(Permissions(In("file")), 0600U);
  attributes.type = FileType::kFifo;
  attributes.mode = 0640;
  const UniqueFd fifo = *dir.MakeNode("fifo", S_IFIFO, 0);
  EXPECT_TRUE(ApplyAttributes(attributes, fifo.get(), expect_no_complaint));
  EXPECT_EQ(Permissions(In("fifo")), 0640U);
  EXPECT_EQ(Stat(In("fifo")).st_mtim.tv_sec, 12345);
}

TEST_F(AttributesTest, WithoutItsOwnerACopyStaysClosed) {
  const SafeDir dir = Open().directory;
  const Attributes attributes{.type = FileType::kRegular, .uid = 0, .gid = 0, .mode = 04755};
  const UniqueFd fd = *dir.MakeFile("file");
  Strings complaints;
  const uid_t me = ::geteuid();
  if (me == 0) {
    ASSERT_EQ(::seteuid(65534), 0);  // who may give nothing to root
  }
  EXPECT_FALSE(ApplyAttributes(attributes, fd.get(), [&](const std::string& what, const Error&) {
    complaints.push_back(what);
  }));
  ASSERT_EQ(::seteuid(me), 0);
  EXPECT_EQ(complaints, Strings{"owner 0:0"});
  EXPECT_EQ(Permissions(In("file")), 0600U);
}

// A default ACL of the folder names somebody whom the image does not.
TEST_F(AttributesTest, AnAclOfTheFolderIsNotPassedOn) {
  const SafeDir dir = Open().directory;
  const std::string acl =
      Acl({{1, 7, kNoId}, {2, 7, 1000}, {4, 7, kNoId}, {16, 7, kNoId}, {32, 7, kNoId}});
  if (::setxattr(In().c_str(), "system.posix_acl_default", acl.data(), acl.size(), 0) != 0)
    GTEST_SKIP() << "no ACLs here";
  ASSERT_TRUE(dir.MakeDirectory("dir"));
  const SafeDir made_dir = *dir.OpenBelow("dir");
  const UniqueFd file = *dir.MakeFile("file");
  const UniqueFd fifo = *dir.MakeNode("fifo", S_IFIFO, 0);
  const struct {
    const char* name;
    int fd;
    FileType type;
  } copies[] = {{"dir", made_dir.fd(), FileType::kDirectory},
                {"file", file.get(), FileType::kRegular},
                {"fifo", fifo.get(), FileType::kFifo}};
  for (const auto& [name, fd, type] : copies) {
    const Attributes attributes{.type = type, .mode = 0750, .mode_without_acl = 0750};
    const std::string path = In(name);
    ASSERT_GT(::getxattr(path.c_str(), "system.posix_acl_access", nullptr, 0), 0) << name;
    EXPECT_TRUE(ApplyAttributes(attributes, fd, [](const std::string& what, const Error& why) {
      ADD_FAILURE() << what << ": " << Describe(why);
    }));
    for (const char* xattr : {"system.posix_acl_access", "system.posix_acl_default"})
      EXPECT_EQ(::getxattr(path.c_str(), xattr, nullptr, 0), -1) << name << ' ' << xattr;
    EXPECT_EQ(Permissions(path), 0750U) << name;
  }
}

TEST_F(AttributesTest, WhatTheSystemRefusesIsTold) {
  const SafeDir dir = Open().directory;
  const Attributes attributes{
      .type = FileType::kRegular,
      .mode = 0640,
      .mode_without_acl = 0600,
      .xattrs = {{"nonsense.name", "x"}, {"system.posix_acl_access", "rubbish"}}};
  const UniqueFd fd = *dir.MakeFile("file");
  Strings complaints;
  EXPECT_TRUE(ApplyAttributes(attributes, fd.get(), [&](const std::string& what, const Error&) {
    complaints.push_back(what);
  }));
  EXPECT_EQ(complaints, (Strings{"attribute nonsense.name", "attribute system.posix_acl_access"}));
  EXPECT_EQ(Permissions(In("file")), 0600U);
}

}  // namespace
}  // namespace amberfs
