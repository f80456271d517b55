// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_REHAICTL_PROGRAM_H_
#define CLI_REHAICTL_PROGRAM_H_

#include <gtest/gtest.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

// The program itself, as a shell would run it, for tests that have it among
// their data.
namespace rehai {

// Of all that rehaictl is run with by this test, nothing is this machine's own:
// no contexts, variables or terminal, and times are UTC.
inline void ClearRehaictlEnvironment() {
  for (const char* name :
       {"REHAI_SERVER", "REHAI_CONTEXT", "REHAI_CERT", "REHAI_KEY", "REHAI_CA",
        "REHAI_TOKEN_FILE", "COLUMNS", "NO_COLOR"}) {
    unsetenv(name);
  }
  setenv("TZ", "UTC", 1);
  setenv("REHAICTL_CONFIG",
         absl::StrCat(testing::TempDir(), "/rehaictl.yaml").c_str(), 1);
}

// rehaictl running. Its output is read as it comes; its complaints at its end.
class Program {
 public:
  // On a terminal of so many columns, or on none.
  explicit Program(const std::vector<std::string>& words,
                   uint16_t columns = 0) {
    EXPECT_EQ(pipe(err_), 0);
    if (columns == 0) {
      EXPECT_EQ(pipe(out_), 0);
    } else {
      const winsize size{24, columns, 0, 0};
      EXPECT_EQ(openpty(&out_[0], &out_[1], nullptr, nullptr, &size), 0);
    }
    std::vector<std::string> all = {"cli/rehaictl"};
    all.insert(all.end(), words.begin(), words.end());
    std::vector<char*> argv;
    for (std::string& word : all) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(out_[1], STDOUT_FILENO);
      dup2(err_[1], STDERR_FILENO);
      for (const int fd : {out_[0], out_[1], err_[0], err_[1]}) close(fd);
      execv(argv[0], argv.data());
      _exit(127);
    }
    close(out_[1]);
    close(err_[1]);
  }

  // Reads output until it holds `text` or ends.
  void ReadUntil(const std::string& text) {
    while (!absl::StrContains(out, text) && ReadSome(out_[0], out)) {
    }
  }

  void Interrupt() { kill(pid_, SIGINT); }

  void Finish() {
    while (ReadSome(out_[0], out)) {
    }
    while (ReadSome(err_[0], err)) {
    }
    close(out_[0]);
    close(err_[0]);
    int end = 0;
    waitpid(pid_, &end, 0);
    status = WIFEXITED(end) ? WEXITSTATUS(end) : -WTERMSIG(end);
  }

  std::string out;
  std::string err;
  int status = -1;

 private:
  static bool ReadSome(int fd, std::string& into) {
    char buffer[4096];
    const ssize_t count = read(fd, buffer, sizeof(buffer));
    if (count > 0) into.append(buffer, static_cast<size_t>(count));
    return count > 0;
  }

  int out_[2];
  int err_[2];
  pid_t pid_;
};

inline Program Rehaictl(const std::vector<std::string>& words) {
  Program program(words);
  program.Finish();
  return program;
}

}  // namespace rehai

#endif  // CLI_REHAICTL_PROGRAM_H_
