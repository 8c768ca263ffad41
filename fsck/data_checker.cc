#include "fsck/data_checker.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "image/xattr_set.h"
#include "verity/digest_xattr.h"

namespace amberfs {
namespace {

// What is not compressed is read in pieces of so many bytes.
constexpr std::uint64_t kPiece = std::uint64_t{1} << 20;

// What the image claims of a file's data. An attribute that cannot be read was reported already.
std::optional<Digest> ClaimedDigest(const Image& image, const Inode& inode) {
  if (inode.type() != FileType::kRegular) return std::nullopt;
  const auto set = XattrSet::Read(image, inode);
  if (!set) return std::nullopt;
  const auto xattr = set->Find(kDigestXattr);
  if (!xattr || !*xattr) return std::nullopt;
  const auto value = set->Value(**xattr);
  if (!value) return std::nullopt;
  // In another form it is no digest, and so not the right one.
  return ParseDigestXattr(*value).value_or(Digest());
}

}  // namespace

std::uint64_t DataChecker::Run(unsigned jobs) {
  std::vector<std::thread> threads;
  while (threads.size() + 1 < jobs) threads.emplace_back([this] { Work(); });
  Work();
  for (std::thread& thread : threads) thread.join();
  const MutexLock lock(mutex_);
  return bytes_;
}

void DataChecker::Work() {
  std::vector<std::byte> buffer;
  while (const auto file = NextFile()) ReadFile(*file, buffer);
}

std::optional<DataChecker::File> DataChecker::NextFile() {
  const MutexLock lock(mutex_);
  return meter_.running() ? next_() : std::nullopt;
}

void DataChecker::ReadFile(const File& file, std::vector<std::byte>& buffer) {
  const auto inode = image_.ReadInode(file.nid);
  if (!inode) return Report(file, inode.error(), 0);
  const std::optional<Digest> claimed = ClaimedDigest(image_, *inode);
  std::optional<FileHasher> hasher;
  if (claimed) hasher.emplace();
  FileReader reader(image_, *inode);
  for (std::uint64_t pos = 0; pos < inode->size();) {
    const auto extent = reader.Map(pos, inode->size() - pos);
    // It could be mapped before; so it is the system that cannot read, or the image has changed.
    if (!extent) return Report(file, extent.error(), pos);
    const std::uint64_t end = std::min(extent->pos + extent->length, inode->size());
    const bool is_hole = extent->kind == ExtentKind::kHole;
    if (is_hole && hasher) hasher->AddZeros(end - pos);
    const bool read = !is_hole && (extent->kind != ExtentKind::kFragment || hasher);
    // A pcluster that is asked for whole is decoded once, and strictly.
    const bool encoded = extent->kind == ExtentKind::kEncoded;
    const std::uint64_t piece = !read ? 0 : encoded ? end - pos : std::min(end - pos, kPiece);
    if (buffer.size() < piece) buffer.resize(piece);
    if (!Pay(encoded || !read ? 0 : end - pos)) return;
    if (read && !ReadPieces(file, reader, pos, end, std::span(buffer).first(piece),
                            hasher ? &*hasher : nullptr)) {
      if (!IsRunning()) return;
      hasher.reset();  // what cannot be read is told; there is nothing to compare
    }
    pos = end;
  }
  if (!hasher) return;
  const auto digest = hasher->Finish();
  if (!digest || digest->digest != *claimed)
    Report(file, Broken(Rule::kXa12, inode->offset()).error(), 0);
}

bool DataChecker::ReadPieces(const File& file, FileReader& reader, std::uint64_t pos,
                             std::uint64_t end, std::span<std::byte> buffer, FileHasher* hasher) {
  while (pos < end) {
    const ByteSpan piece = buffer.first(std::min(end - pos, buffer.size()));
    const auto got = reader.Read(pos, piece);
    if (!got) {
      Report(file, got.error(), pos);
      return false;
    }
    if (!Pay(0)) return false;
    if (hasher != nullptr) hasher->Add(piece.first(*got));
    pos += *got;
    Read(*got);
  }
  return true;
}

bool DataChecker::IsRunning() {
  const MutexLock lock(mutex_);
  return meter_.running();
}

bool DataChecker::Pay(std::uint64_t bytes) {
  const MutexLock lock(mutex_);
  return meter_.PayData(bytes);
}

void DataChecker::Read(std::uint64_t bytes) {
  const MutexLock lock(mutex_);
  bytes_ += bytes;
  if (progress_) progress_(bytes_);
}

void DataChecker::Report(const File& file, const Error& error, std::uint64_t pos) {
  const MutexLock lock(mutex_);
  found_(file, error, fmt::format("byte {} of the file", pos));
}

}  // namespace amberfs
