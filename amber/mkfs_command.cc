#include "amber/command.h"

namespace amberfs {

int RunMkfs(const Arguments&, const std::string&) { return 1; }

}  // namespace amberfs
