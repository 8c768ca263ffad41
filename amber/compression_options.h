// What mkfs takes to have files compressed: -z, -C and --workers.
#ifndef AMBERFS_AMBER_COMPRESSION_OPTIONS_H_
#define AMBERFS_AMBER_COMPRESSION_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "mkfs/compression.h"

namespace amberfs {

struct CompressionArguments {
  std::string algorithm;  // and its options, as -z has them; empty: nothing is compressed
  std::uint64_t pcluster_bytes = 0;  // 0: the default
  unsigned workers = 0;              // 0: one for each processor
};

void DefineCompressionOptions(CLI::App& app, CompressionArguments& args);

// For blocks of 2^block_bits bytes. An error is a line for the user.
std::expected<std::optional<Compression>, std::string> ParseCompression(
    const CompressionArguments& args, unsigned block_bits);

}  // namespace amberfs

#endif  // AMBERFS_AMBER_COMPRESSION_OPTIONS_H_
