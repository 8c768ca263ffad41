#include "extract/ledger.h"

#include <fmt/format.h>

#include <cerrno>

namespace amberfs {
namespace {

using End = ExtractSummary::End;

bool IsFull(const Error& error) {
  return error.code == Errc::kIo &&
         (error.os_errno == ENOSPC || error.os_errno == EDQUOT || error.os_errno == EROFS);
}

}  // namespace

bool Ledger::Ended() {
  if (options_.stop != nullptr && options_.stop->load(std::memory_order_relaxed))
    EndWith(End::kStopped);
  return end_ != End::kDone;
}

void Ledger::EndWith(End end) {
  End expected = End::kDone;  // the first reason is the one
  end_.compare_exchange_strong(expected, end);
}

bool Ledger::MayWrite(std::uint64_t bytes) {
  if (Ended()) return false;
  const std::lock_guard lock(mutex_);
  if (bytes > options_.max_bytes - written_bytes_) {
    EndWith(End::kBytes);
    return false;
  }
  written_bytes_ += bytes;
  return true;
}

bool Ledger::MayEnter() {
  if (Ended()) return false;
  const std::lock_guard lock(mutex_);
  if (entries_ == options_.max_entries) {
    EndWith(End::kEntries);
    return false;
  }
  ++entries_;
  return true;
}

void Ledger::Add(Counter counter, std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  summary_.*counter += number;
  if (options_.progress) options_.progress(summary_);
}

void Ledger::Report(const std::string& path, std::string_view cannot, const Error& error) {
  const std::string what =
      cannot.empty() ? Describe(error) : fmt::format("cannot {}: {}", cannot, Describe(error));
  const std::lock_guard lock(mutex_);
  ++summary_.errors;
  if (options_.report) options_.report(path, what);
  if (IsFull(error)) EndWith(End::kFull);
}

ExtractSummary Ledger::Summary() {
  const std::lock_guard lock(mutex_);
  summary_.end = end_;
  return summary_;
}

}  // namespace amberfs
