// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "base/child_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"

// Debian 12's header forgets to say that these are C functions.
extern "C" {
#include <sys/pidfd.h>
}

namespace rehai {
namespace {

constexpr size_t kErrorTail = 4096;
constexpr int kReadsAtOnce = 64;
constexpr int kBackgroundNice = 10;
// linux/ioprio.h, which has no names for glibc's callers.
constexpr int kIoprioWhoProcess = 1;
constexpr int kIoprioIdle = 3 << 13;

// An open file descriptor and its end.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    Close();
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }
  ~Fd() { Close(); }

  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

absl::Status SystemError(absl::string_view program, int error) {
  const std::string message =
      absl::StrCat(program, ": cannot be run: ", strerror(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(message);
    case EACCES:
    case EPERM:
    case ENOEXEC:
      return absl::PermissionDeniedError(message);
    default:
      return absl::UnavailableError(message);
  }
}

struct Pipe {
  Fd read;
  Fd write;
};

absl::StatusOr<Pipe> OpenPipe(absl::string_view program) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return SystemError(program, errno);
  Pipe opened = {Fd(ends[0]), Fd(ends[1])};
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return opened;
}

// Strings in the form that exec wants. They must outlive this.
std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& s : strings) {
    pointers.push_back(const_cast<char*>(s.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

// posix_spawn's two lists, with their ends.
class SpawnLists {
 public:
  SpawnLists() {
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_init(&actions_);
  }
  ~SpawnLists() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnLists(const SpawnLists&) = delete;
  SpawnLists& operator=(const SpawnLists&) = delete;

  posix_spawnattr_t* attributes() { return &attributes_; }
  posix_spawn_file_actions_t* actions() { return &actions_; }

 private:
  posix_spawnattr_t attributes_;
  posix_spawn_file_actions_t actions_;
};

// Not fork(): what may run between that and exec is little, and we have
// threads.
absl::StatusOr<pid_t> Spawn(const ChildCommand& command, int out, int err) {
  SpawnLists lists;
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  // We may block and ignore signals that it should know as they are.
  posix_spawnattr_setsigmask(lists.attributes(), &none);
  posix_spawnattr_setsigdefault(lists.attributes(), &all);
  posix_spawnattr_setpgroup(lists.attributes(), 0);
  posix_spawnattr_setflags(lists.attributes(), POSIX_SPAWN_SETPGROUP |
                                                   POSIX_SPAWN_SETSIGMASK |
                                                   POSIX_SPAWN_SETSIGDEF);
  posix_spawn_file_actions_t* const actions = lists.actions();
  posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY,
                                   0);
  posix_spawn_file_actions_adddup2(actions, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(actions, err, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
  posix_spawn_file_actions_addchdir_np(actions, command.folder.c_str());
  pid_t pid = -1;
  const int error = posix_spawn(
      &pid, command.argv[0].c_str(), actions, lists.attributes(),
      Pointers(command.argv).data(), Pointers(command.environment).data());
  if (error != 0) return SystemError(command.argv[0], error);
  if (command.in_background) {
    // A wish: what it costs is worse, not wrong, where this is refused.
    setpriority(PRIO_PROCESS, static_cast<id_t>(pid), kBackgroundNice);
    syscall(SYS_ioprio_set, kIoprioWhoProcess, pid, kIoprioIdle);
  }
  return pid;
}

// Until poll() should return, rounded up so that it does not return early.
int Milliseconds(absl::Duration left) {
  if (left == absl::InfiniteDuration()) return -1;
  const int64_t ms = absl::ToInt64Milliseconds(
      absl::Ceil(std::max(left, absl::ZeroDuration()), absl::Milliseconds(1)));
  return static_cast<int>(std::min<int64_t>(ms, 1 << 30));
}

// One program from its start to its end.
class RunningChild {
 public:
  RunningChild(const ChildCommand& command, const Clock& clock, int stop_fd)
      : command_(command),
        clock_(clock),
        stop_fd_(stop_fd),
        begun_(clock.Uptime()),
        deadline_(begun_ + command.timeout) {}

  // The group ends with its leader, whom nobody has waited for yet: until then
  // its number is not given to others.
  ~RunningChild() {
    if (pid_ < 0) return;
    kill(-pid_, SIGKILL);
    int status = 0;
    waitpid(pid_, &status, has_ended_ ? 0 : WNOHANG);
  }

  RunningChild(const RunningChild&) = delete;
  RunningChild& operator=(const RunningChild&) = delete;

  absl::Status Start() {
    ASSIGN_OR_RETURN(Pipe out, OpenPipe(command_.argv[0]));
    ASSIGN_OR_RETURN(Pipe err, OpenPipe(command_.argv[0]));
    ASSIGN_OR_RETURN(pid_, Spawn(command_, out.write.get(), err.write.get()));
    pidfd_ = Fd(pidfd_open(pid_, 0));
    if (pidfd_.get() < 0) return SystemError(command_.argv[0], errno);
    out_ = std::move(out.read);
    err_ = std::move(err.read);
    return absl::OkStatus();
  }

  absl::StatusOr<ChildEnd> Finish() {
    while (!has_ended_) {
      const absl::Duration left = deadline_ - clock_.Uptime();
      if (left <= absl::ZeroDuration()) {
        if (!Escalate()) break;
        continue;
      }
      WaitForNews(left);
    }
    // What it wrote last. Those that it has left behind may hold the pipes open
    // and write on.
    ReadOutput();
    ReadErrors();
    if (!reason_.ok()) return WithErrors(reason_);
    return Ended();
  }

 private:
  void WaitForNews(absl::Duration left) {
    pollfd news[] = {{out_.get(), POLLIN, 0},
                     {err_.get(), POLLIN, 0},
                     {pidfd_.get(), POLLIN, 0},
                     // Told once.
                     {reason_.ok() ? stop_fd_ : -1, POLLIN, 0}};
    if (poll(news, std::size(news), Milliseconds(left)) <= 0) return;
    if (news[0].revents != 0) ReadOutput();
    if (news[1].revents != 0) ReadErrors();
    if (news[2].revents != 0) has_ended_ = true;
    if (news[3].revents != 0) {
      End(absl::CancelledError(
          absl::StrCat(command_.argv[0], ": ended, as we are to stop")));
    }
  }

  // Asks the group to end. Only the first reason counts.
  void End(absl::Status reason) {
    if (!reason_.ok()) return;
    reason_ = std::move(reason);
    kill(-pid_, SIGTERM);
    deadline_ = clock_.Uptime() + command_.patience;
  }

  // What is next when the deadline has passed. False: nothing has helped.
  bool Escalate() {
    if (reason_.ok()) {
      End(absl::DeadlineExceededError(
          absl::StrCat(command_.argv[0], ": did not end within ",
                       absl::FormatDuration(command_.timeout))));
      return true;
    }
    if (std::exchange(was_killed_, true)) return false;
    kill(-pid_, SIGKILL);
    deadline_ = clock_.Uptime() + command_.patience;
    return true;
  }

  // What is there now, a bounded number of times: who writes without end is not
  // waited for.
  void ReadOutput() {
    char buffer[16384];
    ssize_t n = 0;
    for (int i = 0; i < kReadsAtOnce; ++i) {
      n = read(out_.get(), buffer, sizeof(buffer));
      if (n <= 0) break;
      // What is being ended is read only so that it can end.
      if (!reason_.ok()) continue;
      end_.output.append(buffer, static_cast<size_t>(n));
      if (end_.output.size() > command_.max_output_bytes) {
        return End(absl::ResourceExhaustedError(
            absl::StrCat(command_.argv[0], ": printed more than ",
                         command_.max_output_bytes, " bytes")));
      }
    }
    if (n == 0) out_.Close();
  }

  void ReadErrors() {
    char buffer[kErrorTail];
    ssize_t n = 0;
    for (int i = 0; i < kReadsAtOnce; ++i) {
      n = read(err_.get(), buffer, sizeof(buffer));
      if (n <= 0) break;
      std::string& tail = end_.error_tail;
      tail.append(buffer, static_cast<size_t>(n));
      if (tail.size() > kErrorTail) tail.erase(0, tail.size() - kErrorTail);
    }
    if (n == 0) err_.Close();
  }

  absl::Status WithErrors(const absl::Status& status) const {
    const absl::string_view said = absl::StripAsciiWhitespace(end_.error_tail);
    if (said.empty()) return status;
    return absl::Status(status.code(),
                        absl::StrCat(status.message(), "; it said: ", said));
  }

  ChildEnd Ended() {
    siginfo_t info = {};
    waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT);
    end_.exit_status =
        info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
    end_.took = clock_.Uptime() - begun_;
    return std::move(end_);
  }

  const ChildCommand& command_;
  const Clock& clock_;
  const int stop_fd_;
  const absl::Duration begun_;

  pid_t pid_ = -1;
  Fd pidfd_;
  Fd out_;
  Fd err_;
  // Until when the next is waited for: its end, or that a signal helps.
  absl::Duration deadline_;
  // Why it is being ended; OK while it runs.
  absl::Status reason_;
  bool was_killed_ = false;
  bool has_ended_ = false;
  ChildEnd end_;
};

}  // namespace

ChildProcess::ChildProcess(const Clock& clock)
    : clock_(clock), stop_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

ChildProcess::~ChildProcess() {
  if (stop_fd_ >= 0) close(stop_fd_);
}

absl::StatusOr<ChildEnd> ChildProcess::Run(const ChildCommand& command) {
  if (command.argv.empty()) {
    return absl::InvalidArgumentError("no program to run");
  }
  if (stop_fd_ < 0) return SystemError(command.argv[0], EMFILE);
  pollfd stopped = {stop_fd_, POLLIN, 0};
  if (poll(&stopped, 1, 0) > 0) {
    return absl::CancelledError(
        absl::StrCat(command.argv[0], ": not run, as we are to stop"));
  }
  RunningChild child(command, clock_, stop_fd_);
  RETURN_IF_ERROR(child.Start());
  return child.Finish();
}

void ChildProcess::Stop() {
  const uint64_t one = 1;
  // Full means that it is readable, which is all that is wanted.
  [[maybe_unused]] const ssize_t written = write(stop_fd_, &one, sizeof(one));
}

}  // namespace rehai
