// What is known about an inode, for people and for programs.
//
// JSON is ASCII only, whatever the image holds: bytes that are UTF-8 become a string, exactly, and
// any others an object {"hex": "ff41"}, so that a program that does not expect them notices.
#ifndef AMBERFS_AMBER_INODE_TEXT_H_
#define AMBERFS_AMBER_INODE_TEXT_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/algorithm.h"
#include "format/inode.h"

namespace amberfs {

std::string_view TypeName(FileType type);             // "file", "directory", ...; as in JSON
std::string_view LayoutName(DataLayout layout);       // "flat-inline", ...; as in JSON
std::string_view AlgorithmName(Algorithm algorithm);  // "lz4", ...; as in JSON
std::string ModeText(std::uint32_t mode);             // "drwxr-sr-t", as ls(1) shows it

// `seconds` since 1970 as strftime(3) prints them in local time; "@SECONDS" if no calendar has such
// a year.
std::string TimeText(std::int64_t seconds, const char* format);

nlohmann::ordered_json JsonBytes(std::string_view bytes);
std::string JsonLine(const nlohmann::ordered_json& json);

// The members that ls and stat share: "nid", "type", "mode", "nlink", "uid", "gid", "size",
// "mtime", "mtime_nsec", for devices "major" and "minor".
nlohmann::ordered_json InodeJson(const Inode& inode);

}  // namespace amberfs

#endif  // AMBERFS_AMBER_INODE_TEXT_H_
