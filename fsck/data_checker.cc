#include "fsck/data_checker.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

namespace amberfs {
namespace {

// What is not compressed is read in pieces of so many bytes.
constexpr std::uint64_t kPiece = std::uint64_t{1} << 20;

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
  FileReader reader(image_, *inode);
  for (std::uint64_t pos = 0; pos < inode->size();) {
    const auto extent = reader.Map(pos, inode->size() - pos);
    // It could be mapped before; so it is the system that cannot read, or the image has changed.
    if (!extent) return Report(file, extent.error(), pos);
    const std::uint64_t end = extent->pos + extent->length;
    const bool stored = extent->kind != ExtentKind::kHole && extent->kind != ExtentKind::kFragment;
    // A pcluster that is asked for whole is decoded once, and strictly.
    const bool encoded = extent->kind == ExtentKind::kEncoded;
    const std::uint64_t piece = !stored ? 0 : encoded ? end - pos : std::min(end - pos, kPiece);
    if (buffer.size() < piece) buffer.resize(piece);
    if (!Pay(encoded || !stored ? 0 : end - pos)) return;
    if (stored) ReadPieces(file, reader, pos, end, std::span(buffer).first(piece));
    pos = end;
  }
}

void DataChecker::ReadPieces(const File& file, FileReader& reader, std::uint64_t pos,
                             std::uint64_t end, std::span<std::byte> buffer) {
  while (pos < end) {
    const auto got = reader.Read(pos, buffer.first(std::min(end - pos, buffer.size())));
    if (!got) return Report(file, got.error(), pos);
    if (!Pay(0)) return;
    pos += *got;
    Read(*got);
  }
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
