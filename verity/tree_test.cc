// Trees and digests against fsverity-utils and veritysetup: every expected value was made by them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iterator>
#include <mutex>

#include "base/hex.h"
#include "io/byte_source.h"
#include "verity/seal_writer.h"
#include "verity/test_stream.h"

namespace amberfs {
namespace {

// 00 01 02 ... 1f
std::vector<std::byte> CountingSalt() {
  std::vector<std::byte> salt;
  for (int i = 0; i < 32; ++i) salt.push_back(static_cast<std::byte>(i));
  return salt;
}

MemorySource Stream(std::size_t bytes) { return MemorySource(TestStream(bytes)); }

// SHA-256 or SHA-512 with blocks of 4096 bytes over the first `bytes` of the stream.
struct Vector {
  std::size_t bytes;
  unsigned levels;
  std::uint64_t tree_bytes;
  const char* digest;
  const char* salted_digest;  // with CountingSalt(); may be null
};

const Vector kSha256Vectors[] = {
    {0, 0, 0, "3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95",
     "ef1dcdde9fe2d181de4cf3db2723b6d22ccc902a876f5bd405d050aa828af82a"},
    {1, 0, 0, "4d3b26a3350968139fa3c9aed0296bb4fe8f8970ff3cc86582668368f8ecda40",
     "5be2d1aadc2951617b880b4e532966f5f74d9df4efc04d25932ebe8f5986e48b"},
    {4095, 0, 0, "c5d089adb2345d4c9bcf2da6cd72417e505e29f0a514b4ba48409c6836cd21b4",
     "4e6df26a225c761792bb36d5c2ae6f00565f5092d01ed9d5037cb4bb8305f58b"},
    {4096, 0, 0, "01ea87f44364d7d7d2cd1e9f1a20c1b43ccf1e925036111503b5bce76cb336ad",
     "f94b20cc983d1a479453e6db7412cc1109dd3add5a58b5b87e38e18f801bd825"},
    {4097, 1, 4096, "5bfc9ffb5093a37ff50c8f02015e2f5fd7f311b455602732c06ef025451a48ff",
     "7828e973c67e005fe1da3641596b5caeceefd5f3d0fd2539b5b3a0d5675b91a3"},
    {524288, 1, 4096, "c03339d82bd67cf6c7da2d68f506fa9ee630a1b8abef5afaab2dc94048d1be62",
     "8fff0187f7f4ebf43e9977e75ae31a0e3bd269b37b37ad49a4bd6318dad350c7"},
    {524289, 2, 12288, "d95cad955144ee3e12b9343ac20c2f7696ea3a293264445b6e329fd79b42d4b2",
     "e54237af23e4f11476596ba0654c09ac183238d356c6ecaa655f53a8350422a6"},
    {67108864, 2, 528384, "970d583d2dd24bb56e068df9bcb572c1ab7a92836ccccae7ec4370bdd1c7cc32",
     "1f2a900a58d694c4d97f6628d885f3d0c5acebcf799c377977e079f5c099479f"},
    {67108865, 3, 540672, "a2de4d7dd50303cebbd170faac80dd080468445b4bc649fcb802893cad04be97",
     "2dbcfa42108ba177820ef072fdebf5f483fd2a2feb538d399182529e2a5e23f1"},
    {70000000, 3, 561152, "dd7fbd6d5deed4323a6a3fed2021923c489f8bb317dd2ace2326a4e738ea0aa2",
     "a57aac28f0289c99cb459fa735f271d2c0a3bcda482a854be3612c780156578b"},
    {70004736, 3, 561152, "5199c6887de3e7bdf80c732e7e95ac7d238ceb9ae680d633c91534117a90f257",
     nullptr},
};

const Vector kSha512Vectors[] = {
    {0, 0, 0,
     "ccf9e5aea1c2a64efa2f2354a6024b90dffde6bbc017825045dce374474e13d1"
     "0adb9dadcc6ca8e17a3c075fbd31336e8f266ae6fa93a6c3bed66f9e784e5abf",
     "0c74889bbaeaa44d0239055f83010ccb44a3d98d91bb22f03a9164f2d62073ef"
     "d9f28713b51281711b8ad208f3e0c6c3a752f6311236eccd99f951d04f3bb56a"},
    {1, 0, 0,
     "9af9e6e686c700dd7e3b992a601a417195f41d0bab513c1583e4508bd82613a3"
     "8e844a416d2c071d7b2deb7db81773c1cdd5c03d6704670e453c5f0575a546df",
     "511dfca7ca3aa38a10e3fd87f69a66f383f966b3af6257c73a69c4cef6ef663c"
     "1bc8248271650246b966caefa9d745c9741cb93825b1647f7034501c288e1cc5"},
    {4095, 0, 0,
     "a214621dbc827edacb32f9afb59c59114e010f6aa19e267b3f91c82c09790812"
     "b7733138687d6f15f8e9f2d4d3c17e262af4b2a3daf9cfa32d5051b097d29798",
     "38a94aac11b91110c381e1f42bc959ddb536559dbc3e864bf67c86ecbf30115b"
     "5e1d7d4c4e69b1e31bcd2579cf5ba66e4098eb336a9a45914a17b2d498bb8374"},
    {4096, 0, 0,
     "606eff06fb0bf76a01380ea750ce14b68484d3dd6f82e859110e839a1de7791d"
     "e5025dbe7dbea7030a20ca8fd19cd91cf053e00ebd78bc31ca0e525ec4c626bc",
     "1c6f4aa74cb9523577b041cd66ec0be0883b3fd336c872b753fd90498a44bc33"
     "85c15663b6288dc2da4ac840fc642ff22196a3d25be7c6c6cabf3ea3a20f9f62"},
    {4097, 1, 4096,
     "c035032cfcb0be7a4fc83bb43be89e66f5139939e30520318d7fb4ca0acccc1b"
     "24accd182bcda41167613239f5999cf6ae0e3bc8564718cba03a41cbbf10c24e",
     "88fa00c6a246b418c790766fea68fb3a4808ddb42373f16ea120424bd26309a6"
     "44f02f21a6e09e83fd659d39674c89b27bbe6fa3062599ac912ce89044eb0fb6"},
    {524288, 2, 12288,
     "0897ce467c06932435e7cad335b91ede97aa428895ebad05118a268c1d65320f"
     "3dea6cc6898f369e45b4d48c5f9b669881d7fc91bcc2bf0209fdd544c704677b",
     "f5af73f5c5393ab81a324db336dca2cfac124b99120bfa2ed1792f8b5c6f03fb"
     "2828107cdd1defea00f90fde7ff99fa05626817c5fd00a2dbff44f95f8358d48"},
    {524289, 2, 16384,
     "277477399b78bebaceb75d7ad93368dff33f9fcdd2ca2cc87a47d2318550ccdf"
     "669b9808ea4bbaf6f23b654ed6e845f27983b6ab05c47ee97b7ce471368d8620",
     "7043cad0ace9019df03b405733ab2152bed4fb3f7572a003de6474ba44455a94"
     "e6ce4e97ac3fcf27e506ea8d7e44afbc5063bcd2694b0668f4af8d6b28a33aa9"},
    {67108865, 3, 1077248,
     "f89a6976d3650e4d666e0011c672347c36a98904bbcaf804e12e6249247320b7"
     "03d96417ba63edaea836a630e5b9ebcc021fe70ca4df5c8d37b4594dba103115",
     "55f9c05964a80c9b2a3312f2fa0b6f52909d6a0bc4bcb3d4cc9da552f43cb22f"
     "9e2dec2fb77073962b446e20fa235102cb87a614b49060c15b7a41881f63fb6e"},
    {70000000, 3, 1122304,
     "1a5895167e2edaa9e4dc1e6222dee88ce85c1b8505e7bac8ef334cb2156bb50d"
     "3077cd57144319da5ff60db9da77812798f6d799431e7f74b87aab46baa9c4db",
     "54e611bc31103d0c3546328614cc28904f394d2027cbd116a1026117d98bb75c"
     "38649b033111317b583bedbca1da8f8fbb4adbf9aa6f22a51ca27c66894f7c5d"},
};

void ExpectVectors(HashAlgorithm algorithm, std::span<const Vector> vectors) {
  for (const Vector& vector : vectors) {
    SCOPED_TRACE(vector.bytes);
    const MemorySource data = Stream(vector.bytes);
    const auto shape = TreeShape::Make({.algorithm = algorithm}, vector.bytes);
    ASSERT_TRUE(shape.has_value());
    EXPECT_EQ(shape->levels(), vector.levels);
    EXPECT_EQ(shape->tree_bytes(), vector.tree_bytes);
    const auto plain = ComputeDescriptor(data, {.algorithm = algorithm, .threads = 2});
    ASSERT_TRUE(plain.has_value());
    EXPECT_EQ(Hex(plain->file_digest().digest.bytes()), vector.digest);
    if (vector.salted_digest == nullptr) continue;
    const auto salted = ComputeDescriptor(data, {.algorithm = algorithm, .salt = CountingSalt()});
    ASSERT_TRUE(salted.has_value());
    EXPECT_EQ(Hex(salted->file_digest().digest.bytes()), vector.salted_digest);
  }
}

TEST(Tree, TheTestStreamIsTheDocumentedOne) {
  EXPECT_EQ(Hex(TestStream(16)), "afcd1d7b39a820e2f465b9a16a9e786e");
  EXPECT_EQ(Hex(HashOf(HashAlgorithm::kSha256, TestStream(4097)).bytes()),
            "c56aa3919952df3df9dd12fe06125d644cda12a53a8c0ef2f338c05b2f99684c");
}

TEST(Tree, FsVerityDigestsWithSha256) { ExpectVectors(HashAlgorithm::kSha256, kSha256Vectors); }
TEST(Tree, FsVerityDigestsWithSha512) { ExpectVectors(HashAlgorithm::kSha512, kSha512Vectors); }

TEST(Tree, RootHashesAreDmVeritys) {
  const std::pair<std::size_t, const char*> kRoots[] = {
      {1, "fa44fcc09c102d20a08449855ad7f5a0c79a3febc200aaa3c288d1c9fdaa4192"},
      {4095, "031787c9d677763d78649729999680b07fbf255db0e5760a211003aaaa6e3199"},
      {4096, "609f24ecd546a75b3296a5aea0360ce83039fd435bbde109282fffe5d8f618d7"},
      {4097, "875edd6679172eff5e12dda53191014efdaf484b22e1fbb600d556c33dac28ca"},
      {524288, "b48f4371fa5417b754e42be4a714179dde72b26a47385e5f0568c55f403d9d40"},
      {524289, "301261c901df6169482cc04d62aaaf220d40014d2b534e1751d476cbf0908af9"},
      {67108864, "4c0eff7228d79db7ef518431439df911ad8411d38316465d64672d4ec26705d8"},
      {67108865, "7bd2a6cfdc67e28c6561acc90680698154ec0173602d883dd7ee522eafc636b2"},
      {70000000, "bf8aae68271f47bc52387c6cb0db71ead531c1fb899d384ed92a0946197adc24"},
      {70004736, "dad719d5d7b9dd99cbca442ca6a413ced14e10ddcf760a031167b834c4587a5f"},
  };
  for (const auto& [bytes, root_hash] : kRoots) {
    const auto descriptor = ComputeDescriptor(Stream(bytes), {.threads = 2});
    ASSERT_TRUE(descriptor.has_value());
    EXPECT_EQ(Hex(descriptor->root_hash().bytes()), root_hash) << bytes;
  }
}

TEST(Tree, BytesOfTheTree) {
  const std::pair<std::size_t, const char*> kTrees[] = {
      {524289, "5a1176e918edaf5a3db313b8c5689eacb9d01e4edfd3d8ef6f46ef8e8ccfde2e"},
      {67108865, "8d0564e78513e8a38b1bf8d502bb78d4af1c68dd529c155bdb3eec2ad7331e89"},
      {70000000, "07861c52a12cc235a073572eee9af21d571f1339c4e2b8716e2ec560ccf2e55a"},
  };
  for (const auto& [bytes, hash] : kTrees) {
    const auto shape = TreeShape::Make({}, bytes);
    for (const unsigned threads : {1U, 2U, 7U}) {
      std::vector<std::byte> tree(shape->tree_bytes());
      const auto sink = [&tree](std::uint64_t offset, ByteView block) {
        std::ranges::copy(block, ByteSpan(tree).subspan(offset).begin());
        return Result<void>();
      };
      ASSERT_TRUE(ComputeDescriptor(Stream(bytes), {.threads = threads}, sink).has_value());
      EXPECT_EQ(Hex(HashOf(HashAlgorithm::kSha256, tree).bytes()), hash) << bytes;
    }
  }
}

// 524289 bytes in blocks of other sizes.
TEST(Tree, OtherBlockSizes) {
  const struct {
    HashAlgorithm algorithm;
    unsigned bits;
    std::uint64_t tree_bytes;
    const char* digest;
  } kVectors[] = {
      {HashAlgorithm::kSha256, 9, 36352,
       "e81e6ee5028020b30edcd5cdf275547fdf5d83fd09b055c361f75bd11e6d596e"},
      {HashAlgorithm::kSha256, 10, 18432,
       "0a2d70f59641e7c7dee3d32ca7296501ecacf84853da9b10a2b1547c8e00ff70"},
      {HashAlgorithm::kSha256, 11, 12288,
       "631696d54c12b1da6043e0f3af10fb5da757888ec4041d96aa0346236259cb3b"},
      {HashAlgorithm::kSha256, 13, 8192,
       "c41fe18b151dd5d8edc243a3860e3dbd79a0d44bd24e75a07f0cbe9745e2bdfa"},
      {HashAlgorithm::kSha256, 14, 16384,
       "57e4199b9d623c19e6a832bbe0f928d387fa9f55638c66db9d5414db78a7a4c0"},
      {HashAlgorithm::kSha256, 16, 65536,
       "08d3f2228fc91f0c567cb4e4230095df59f45d0f53d420e330f596b84536e4b5"},
      {HashAlgorithm::kSha512, 10, 37888,
       "53fc553259a2e4c9c744dcc64b478dc73b997fc269bbb0defd354b59770093b0"
       "ea14a707209bfe56dcf10fdaa60c88e1f52a1dd6751c4c912e8f3a8dcf584ccb"},
  };
  const MemorySource data = Stream(524289);
  for (const auto& vector : kVectors) {
    SCOPED_TRACE(vector.bits);
    const auto shape = TreeShape::Make({.algorithm = vector.algorithm,
                                        .data_block_bits = vector.bits,
                                        .hash_block_bits = vector.bits},
                                       data.size());
    EXPECT_EQ(shape->tree_bytes(), vector.tree_bytes);
    const auto descriptor =
        ComputeDescriptor(data, {.algorithm = vector.algorithm, .block_bits = vector.bits});
    EXPECT_EQ(Hex(descriptor->file_digest().digest.bytes()), vector.digest);
  }
}

TEST(Tree, ShortSaltsAreFilledUpButZerosAreASalt) {
  const MemorySource data = Stream(524289);
  const auto digest_with = [&data](std::vector<std::byte> salt) {
    return Hex(ComputeDescriptor(data, {.salt = std::move(salt)})->file_digest().digest.bytes());
  };
  EXPECT_EQ(digest_with({std::byte{0xAB}, std::byte{0xCD}}),
            "d41965a33258c3a6c9b5953f3c4b7dc49b14bfb54ebc3d52d8f04f80d968d735");
  EXPECT_EQ(digest_with(std::vector<std::byte>(32)),
            "e1e357583b3b770d0281b2b7270f2a06a3411853d53514e0f7555b8ad459beb3");
}

TEST(Tree, ContainerdsFlavour) {
  const MemorySource data = Stream(524288);
  const auto shape = TreeShape::Make({}, data.size());
  const BlockHasher hasher(HashAlgorithm::kSha256, std::vector<std::byte>(32));
  const auto nowhere = [](std::uint64_t, ByteView) { return Result<void>(); };
  const auto root_hash = BuildTree(data, *shape, hasher, nowhere, 1);
  ASSERT_TRUE(root_hash.has_value());
  EXPECT_EQ(Hex(root_hash->bytes()),
            "5559540dd307b5d6ac9c8f4d19ca080fe876b385e6701d341aa042412dd1c2b2");
}

TEST(TreeShape, RefusesWhatOverflows) {
  EXPECT_FALSE(TreeShape::Make({}, ~std::uint64_t{0}));
  EXPECT_FALSE(TreeShape::Make({}, std::uint64_t{1} << 63));
  // The data alone would fit.
  EXPECT_FALSE(TreeShape::Make({}, (std::uint64_t{1} << 63) - 1));
  EXPECT_TRUE(TreeShape::Make({}, std::uint64_t{1} << 62));
  EXPECT_FALSE(TreeShape::Make({.data_block_bits = 5, .hash_block_bits = 5}, 4096));
  EXPECT_FALSE(TreeShape::Make({.data_block_bits = 12, .hash_block_bits = 21}, 4096));
  // One hash to a block is a list, not a tree.
  EXPECT_FALSE(TreeShape::Make(
      {.algorithm = HashAlgorithm::kSha512, .data_block_bits = 6, .hash_block_bits = 6}, 4096));
}

TEST(TreeShape, LevelsStandTopFirst) {
  // 129 leaves: two levels above them.
  const auto shape = TreeShape::Make({}, std::uint64_t{129} * 128 * 4096);
  ASSERT_EQ(shape->levels(), 3U);
  EXPECT_EQ(shape->first_block(2), 0U);
  EXPECT_EQ(shape->first_block(1), 1U);
  EXPECT_EQ(shape->first_block(0), 3U);
  EXPECT_EQ(shape->items(1), 129U);
  EXPECT_EQ(shape->tree_blocks(), 132U);
}

TEST(TreeBuilder, AFailedReadOrWriteFails) {
  const auto shape = TreeShape::Make({}, 5'000'000);
  const BlockHasher hasher(HashAlgorithm::kSha256);
  const auto full = [](std::uint64_t, ByteView) -> Result<void> { return IoError(ENOSPC); };
  for (const unsigned threads : {1U, 3U}) {
    const auto failed = BuildTree(Stream(5'000'000), *shape, hasher, full, threads);
    ASSERT_FALSE(failed.has_value());
    EXPECT_EQ(failed.error().os_errno, ENOSPC);
  }
}

}  // namespace
}  // namespace amberfs
