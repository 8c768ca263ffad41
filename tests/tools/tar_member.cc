// tar_member NAME TYPE [KEY=VALUE]...
//
// Prints one member of a tar archive (ustar): its header, and standard input as its data if TYPE is
// 0 (a file), x or g (pax headers) or S. It checks nothing: names lead anywhere, numbers lie.
//
//   size=N       what the header claims; default: as much as there is
//   link=TARGET  mode=OCTAL  uid=N  gid=N  mtime=N  major=N  minor=N
//   prefix=TEXT  ustar's first part of a long name
//   checksum=N   instead of the right one
//
// An archive ends with 1024 zeros.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <iterator>
#include <map>
#include <string>

namespace {

// `bytes` - 1 octal digits, or base 256 for what does not fit; above 2^63 it is a negative number.
void PutNumber(std::string& header, std::size_t at, std::size_t bytes, std::uint64_t value) {
  if (value >> (3 * (bytes - 1)) == 0) {
    for (std::size_t i = bytes - 1; i-- > 0; value >>= 3)
      header[at + i] = static_cast<char>('0' + (value & 7));
    return;
  }
  const char filling = value >> 63 != 0 ? '\xFF' : '\0';
  for (std::size_t i = bytes; i-- > 0; value >>= 8)
    header[at + i] = bytes - i > sizeof value ? filling : static_cast<char>(value & 0xFF);
  header[at] |= '\x80';
}

void PutText(std::string& header, std::size_t at, std::size_t bytes, const std::string& text) {
  header.replace(at, std::min(bytes, text.size()), text, 0, bytes);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: tar_member NAME TYPE [KEY=VALUE]...\n";
    return 2;
  }
  std::map<std::string, std::string> keys;
  for (int i = 3; i < argc; ++i) {
    const std::string argument = argv[i];
    const std::size_t equals = argument.find('=');
    keys[argument.substr(0, equals)] = argument.substr(equals + 1);
  }
  const char type = argv[2][0];
  std::string data;
  if (std::strchr("0xgS", type) != nullptr)
    data.assign(std::istreambuf_iterator<char>(std::cin), {});
  const auto number = [&](const char* key, std::uint64_t otherwise, int base) {
    return keys.contains(key) ? std::strtoull(keys[key].c_str(), nullptr, base) : otherwise;
  };

  std::string header(512, '\0');
  PutText(header, 0, 100, argv[1]);
  PutNumber(header, 100, 8, number("mode", 0644, 8));
  PutNumber(header, 108, 8, number("uid", 0, 10));
  PutNumber(header, 116, 8, number("gid", 0, 10));
  PutNumber(header, 124, 12, number("size", data.size(), 10));
  PutNumber(header, 136, 12, number("mtime", 1'500'000'000, 10));
  header[156] = type;
  PutText(header, 157, 100, keys["link"]);
  PutText(header, 257, 8, std::string("ustar\00000", 8));
  PutNumber(header, 329, 8, number("major", 0, 10));
  PutNumber(header, 337, 8, number("minor", 0, 10));
  PutText(header, 345, 155, keys["prefix"]);
  PutText(header, 148, 8, "        ");
  std::uint64_t sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  PutNumber(header, 148, 7, number("checksum", sum, 10));
  data.resize((data.size() + 511) / 512 * 512);
  std::cout << header << data;
  return std::cout.good() ? 0 : 1;
}
