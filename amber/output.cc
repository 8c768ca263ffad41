#include "amber/output.h"

#include "amber/command.h"

namespace amberfs {

bool Output::Flush() {
  if (!failed_ && !buffer_.empty()) failed_ = !PrintOutput(buffer_, name_);
  buffer_.clear();
  return !failed_;
}

}  // namespace amberfs
