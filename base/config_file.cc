#include "base/config_file.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/text.h"

namespace amberfs {
namespace {

constexpr std::string_view kSpace = " \t\r";

}  // namespace

std::string_view Trim(std::string_view text) {
  while (!text.empty() && kSpace.contains(text.front())) text.remove_prefix(1);
  while (!text.empty() && kSpace.contains(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view TakeWord(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find_first_of(kSpace));
  text = Trim(text.substr(word.size()));
  return word;
}

ConfigResult<std::string> ReadConfigFile(const UniqueFd& fd, const std::string& path,
                                         std::optional<std::uint32_t> owner) {
  const auto failure = [&path](std::string_view why) {
    return std::unexpected(fmt::format("{}: {}", Printable(path), why));
  };
  struct stat st;
  if (!fd || ::fstat(fd.get(), &st) != 0) return failure(std::strerror(errno));
  if (!S_ISREG(st.st_mode)) return failure("not a regular file");
  if (static_cast<std::uint64_t>(st.st_size) > kMaxConfigBytes) return failure("larger than 1 MiB");
  if (owner && ((st.st_uid != 0 && st.st_uid != *owner) || (st.st_mode & 022) != 0))
    return failure("others can write to it");
  std::string text(static_cast<std::size_t>(st.st_size), '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t got = ::read(fd.get(), text.data() + done, text.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return failure(got == 0 ? "it shrinks" : std::strerror(errno));
    done += static_cast<std::size_t>(got);
  }
  return text;
}

}  // namespace amberfs
