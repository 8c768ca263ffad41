// Names from an image or a source tree, made fit for a terminal.
#ifndef AMBERFS_BASE_TEXT_H_
#define AMBERFS_BASE_TEXT_H_

#include <string>
#include <string_view>

namespace amberfs {

// `name` with control bytes, backslash, and bytes that are not valid UTF-8 written as \xNN, so that
// no name can forge a line or drive a terminal. Printable UTF-8 stays as it is.
std::string Printable(std::string_view name);

// Whether `text` is well-formed UTF-8, whatever its characters.
bool IsUtf8(std::string_view text);

}  // namespace amberfs

#endif  // AMBERFS_BASE_TEXT_H_
