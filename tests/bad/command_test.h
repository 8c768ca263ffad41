// For tests of what people run: the program as a real process, in a folder of its own.
#ifndef AMBERFS_TESTS_BAD_COMMAND_TEST_H_
#define AMBERFS_TESTS_BAD_COMMAND_TEST_H_

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/bytes.h"

namespace amberfs {

class CommandTest : public testing::Test {
 protected:
  struct Outcome {
    int status;
    std::string out;  // standard output, and standard error unless redirected
  };

  void SetUp() override {
    dir_ = (std::filesystem::temp_directory_path() / "amberfs-command-XXXXXX").string();
    ASSERT_NE(::mkdtemp(dir_.data()), nullptr);
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  void Write(const std::string& name, ByteView bytes) const {
    std::ofstream(dir_ + "/" + name, std::ios::binary)
        .write(AsText(bytes).data(), static_cast<std::streamsize>(bytes.size()));
  }

  // Runs `amber ARGUMENTS` in dir(), by way of a shell.
  Outcome Amber(const std::string& arguments) const {
    const std::string command = "cd '" + dir_ + "' && '" AMBER_PROGRAM "' 2>&1 " + arguments;
    std::FILE* pipe = ::popen(command.c_str(), "r");
    Outcome outcome{-1, {}};
    if (pipe == nullptr) return outcome;
    char buffer[4096];
    while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, pipe))
      outcome.out.append(buffer, got);
    const int status = ::pclose(pipe);
    outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return outcome;
  }

  const std::string& dir() const { return dir_; }

 private:
  std::string dir_;
};

}  // namespace amberfs

#endif  // AMBERFS_TESTS_BAD_COMMAND_TEST_H_
