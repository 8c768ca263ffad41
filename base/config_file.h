// Small text files that say what somebody wants: one thing on each line, comments from "#" on.
#ifndef AMBERFS_BASE_CONFIG_FILE_H_
#define AMBERFS_BASE_CONFIG_FILE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"

namespace amberfs {

// A failure to load what the user configured: a whole sentence, for that is read by people only.
template <typename T>
using ConfigResult = std::expected<T, std::string>;

inline constexpr std::uint64_t kMaxConfigBytes = 1 << 20;

// All of a regular file of at most kMaxConfigBytes; `path` is for the failure's text. With an
// `owner`, only they and root may be able to write to it. Open with O_NONBLOCK: it may be a fifo.
ConfigResult<std::string> ReadConfigFile(const UniqueFd& fd, const std::string& path,
                                         std::optional<std::uint32_t> owner);

// Without white space at both ends.
std::string_view Trim(std::string_view text);

// Takes the first word off `text`, which starts with none: empty once there is no more.
std::string_view TakeWord(std::string_view& text);

// Calls take(line) for each line that says something, without comments, and ends at the first for
// which it is false. The number of that line; 0 if there is none.
template <typename Take>
std::size_t FirstRefused(std::string_view text, Take take) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = Trim(text.substr(0, std::min(end, text.find('#'))));
    if (!line.empty() && !take(line)) return number;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return 0;
}

// Calls set(name, value) for each line "NAME = VALUE"; as FirstRefused(), also for a line that is
// none.
template <typename Set>
std::size_t FirstRefusedSetting(std::string_view text, Set set) {
  return FirstRefused(text, [&set](std::string_view line) {
    const std::size_t equals = line.find('=');
    return equals != line.npos && set(Trim(line.substr(0, equals)), Trim(line.substr(equals + 1)));
  });
}

}  // namespace amberfs

#endif  // AMBERFS_BASE_CONFIG_FILE_H_
