// What `amber fsck` prints of a report: for people, for programs, for those who collect findings.
#ifndef AMBERFS_AMBER_FSCK_REPORT_H_
#define AMBERFS_AMBER_FSCK_REPORT_H_

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "fsck/report.h"
#include "verity/open.h"

namespace amberfs {

// A line for each finding and one with the verdict. `image` is its name, which may be hostile.
std::string ReportText(std::string_view image, const VerifiedImage& verified, const Report& report);

// One JSON document, as fsck.amber(8) describes it.
std::string ReportJson(std::string_view image, const VerifiedImage& verified, const Report& report);

// The findings of all images as one run of SARIF 2.1.0, the format of static analysers.
class SarifLog {
 public:
  void Add(std::string_view image, const Report& report);
  // An image that could not be opened.
  void AddFailure(std::string_view image, std::string_view why);
  std::string Text(int exit_status) const;

 private:
  nlohmann::ordered_json artifacts_ = nlohmann::ordered_json::array();
  nlohmann::ordered_json results_ = nlohmann::ordered_json::array();
  nlohmann::ordered_json failures_ = nlohmann::ordered_json::array();
};

}  // namespace amberfs

#endif  // AMBERFS_AMBER_FSCK_REPORT_H_
