// Standard output for reports of any length: buffered, and the first error is told once.
#ifndef AMBERFS_AMBER_OUTPUT_H_
#define AMBERFS_AMBER_OUTPUT_H_

#include <string>
#include <string_view>

namespace amberfs {

class Output {
 public:
  // `name` is the command's, for messages.
  explicit Output(const std::string& name) : name_(name) {}

  void Add(std::string_view text) {
    buffer_ += text;
    if (buffer_.size() >= kEnough) Flush();
  }
  // Prints what is still here. False, after a line on standard error, if anything was not printed.
  bool Flush();
  // Nobody reads what is added any more.
  bool failed() const { return failed_; }

 private:
  static constexpr std::size_t kEnough = 65536;
  const std::string name_;
  std::string buffer_;
  bool failed_ = false;
};

}  // namespace amberfs

#endif  // AMBERFS_AMBER_OUTPUT_H_
