// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <deque>
#include <map>
#include <optional>
#include <thread>

#include "absl/functional/any_invocable.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mutex.h"
#include "base/status_macros.h"

// Debian 12's header forgets to say that these are C functions.
extern "C" {
#include <sys/pidfd.h>
}

namespace rehai::lab {
namespace {

// The kernel sends a child its death signal when the *thread* that forked it
// ends. So every fork happens on this one, which lives as long as the process.
class ForkingThread {
 public:
  static ForkingThread& Get() {
    static ForkingThread* const instance = new ForkingThread;
    return *instance;
  }

  pid_t Call(absl::AnyInvocable<pid_t()> fork) {
    MutexLock caller(caller_mu_);
    MutexLock lock(mu_);
    job_ = std::move(fork);
    result_.reset();
    changed_.NotifyAll();
    while (!result_.has_value()) changed_.Wait(mu_);
    return *result_;
  }

 private:
  ForkingThread() { std::thread(&ForkingThread::Loop, this).detach(); }

  [[noreturn]] void Loop() {
    pthread_setname_np(pthread_self(), "lab-fork");
    MutexLock lock(mu_);
    while (true) {
      while (job_ == nullptr) changed_.Wait(mu_);
      result_ = job_();
      job_ = nullptr;
      changed_.NotifyAll();
    }
  }

  Mutex caller_mu_ ABSL_ACQUIRED_BEFORE(mu_);
  Mutex mu_;
  CondVar changed_;
  absl::AnyInvocable<pid_t()> job_ ABSL_GUARDED_BY(mu_);
  std::optional<pid_t> result_ ABSL_GUARDED_BY(mu_);
};

// argv or an environment in the form that exec wants.
class CStrings {
 public:
  explicit CStrings(std::vector<std::string> strings)
      : strings_(std::move(strings)) {
    for (std::string& s : strings_) pointers_.push_back(s.data());
    pointers_.push_back(nullptr);
  }
  char* const* get() const { return pointers_.data(); }

 private:
  std::vector<std::string> strings_;
  std::vector<char*> pointers_;
};

std::vector<std::string> Environment(const Command& command) {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const size_t equals = text.find('=');
    if (equals != std::string::npos) {
      variables[text.substr(0, equals)] = text.substr(equals + 1);
    }
  }
  for (const auto& [name, value] : command.environment) variables[name] = value;
  std::vector<std::string> entries;
  for (const auto& [name, value] : variables) {
    entries.push_back(absl::StrCat(name, "=", value));
  }
  return entries;
}

// An open file descriptor and its end.
class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

// What the child is to have as its standard streams.
struct Streams {
  int in;
  int out;
  int err;
};

// The namespaces that a child is to enter; -1 where it keeps ours.
class Namespaces {
 public:
  explicit Namespaces(const Process* of)
      : pid_(Open(of, "pid")), mount_(Open(of, "mnt")), uts_(Open(of, "uts")) {}

  // The child's PID namespace is that which the forking thread has chosen.
  pid_t Fork(unsigned long clone_flags) const {
    if (pid_.get() >= 0 && setns(pid_.get(), CLONE_NEWPID) != 0) return -1;
    // Not fork(): it takes no flags.
    const pid_t child = static_cast<pid_t>(syscall(
        SYS_clone, clone_flags | SIGCHLD, nullptr, nullptr, nullptr, 0));
    if (child != 0 && pid_.get() >= 0) {
      const Fd own(open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC));
      setns(own.get(), CLONE_NEWPID);
    }
    return child;
  }

  // In the child.
  bool Enter() const {
    return (mount_.get() < 0 || setns(mount_.get(), CLONE_NEWNS) == 0) &&
           (uts_.get() < 0 || setns(uts_.get(), CLONE_NEWUTS) == 0);
  }

 private:
  static int Open(const Process* of, const char* kind) {
    if (of == nullptr) return -1;
    return open(absl::StrCat("/proc/", of->pid(), "/ns/", kind).c_str(),
                O_RDONLY | O_CLOEXEC);
  }

  const Fd pid_;
  const Fd mount_;
  const Fd uts_;
};

// Between fork and exec: only what is safe in the child of a process with
// threads. Never returns. `parent` is as the child sees it.
[[noreturn]] void Become(char* const* argv, char* const* environment,
                         const char* folder, const Streams& streams,
                         const Namespaces& namespaces, pid_t parent,
                         int failure_pipe) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // it died before that took effect
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action = {};
    action.sa_handler = SIG_DFL;
    sigaction(signal, &action, nullptr);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const bool placed = namespaces.Enter() && dup2(streams.in, 0) >= 0 &&
                      dup2(streams.out, 1) >= 0 && dup2(streams.err, 2) >= 0 &&
                      (folder[0] == '\0' || chdir(folder) == 0);
  close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  if (placed) execvpe(argv[0], argv, environment);
  const int error = errno;
  [[maybe_unused]] const ssize_t written =
      write(failure_pipe, &error, sizeof(error));
  _exit(127);
}

absl::StatusOr<pid_t> Spawn(const Command& command, const Streams& streams) {
  const CStrings argv(command.argv);
  const CStrings environment(Environment(command));
  int failure[2];
  if (pipe2(failure, O_CLOEXEC) != 0) {
    return absl::ErrnoToStatus(errno, "pipe2");
  }
  const Namespaces namespaces(command.namespaces_of);
  const unsigned long clone_flags =
      command.new_namespaces ? CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS : 0;
  // Seen from another PID namespace, we are nobody.
  const bool elsewhere =
      command.new_namespaces || command.namespaces_of != nullptr;
  const pid_t parent = elsewhere ? 0 : getpid();
  int fork_error = 0;
  const pid_t pid = ForkingThread::Get().Call([&] {
    const pid_t child = namespaces.Fork(clone_flags);
    if (child == 0) {
      Become(argv.get(), environment.get(), command.folder.c_str(), streams,
             namespaces, parent, failure[1]);
    }
    if (child < 0) fork_error = errno;
    return child;
  });
  close(failure[1]);
  int error = 0;
  const ssize_t got = read(failure[0], &error, sizeof(error));
  close(failure[0]);
  if (pid < 0) {
    return absl::ErrnoToStatus(
        fork_error, absl::StrCat(command.argv[0], ": cannot be started",
                                 elsewhere ? "; namespaces need root" : ""));
  }
  if (got == 0) return pid;
  waitpid(pid, nullptr, 0);
  const std::string message =
      absl::StrCat(command.argv[0], ": cannot be started: ", strerror(error),
                   "; run tools/setup, which installs what the lab needs");
  return error == ENOENT ? absl::NotFoundError(message)
                         : absl::InternalError(message);
}

std::string BaseName(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

// The last part of a log, for an error message.
std::string TailOf(const std::string& log_file) {
  constexpr size_t kTail = 2000;
  absl::StatusOr<std::string> log = ReadFile(log_file);
  if (!log.ok() || log->empty()) return "nothing";
  return log->size() > kTail ? log->substr(log->size() - kTail) : *log;
}

std::string ContentOf(const Fd& file) {
  std::string content;
  char buffer[65536];
  lseek(file.get(), 0, SEEK_SET);
  for (ssize_t n; (n = read(file.get(), buffer, sizeof(buffer))) > 0;) {
    content.append(buffer, n);
  }
  return content;
}

int ExitStatusOf(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status)
                                : 128 + WTERMSIG(wait_status);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Process>> Process::Start(Command command) {
  const Fd in(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const std::string log =
      command.log_file.empty() ? "/dev/null" : command.log_file;
  const Fd out(
      open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (out.get() < 0) return absl::ErrnoToStatus(errno, log);
  ASSIGN_OR_RETURN(const pid_t pid,
                   Spawn(command, {in.get(), out.get(), out.get()}));
  return std::unique_ptr<Process>(new Process(
      BaseName(command.argv[0]), command.log_file, pid, pidfd_open(pid, 0)));
}

Process::Process(std::string name, std::string log_file, pid_t pid, int pidfd)
    : name_(std::move(name)),
      log_file_(std::move(log_file)),
      pid_(pid),
      pidfd_(pidfd) {}

Process::~Process() { Stop(); }

void Process::Stop(absl::Duration patience) {
  if (pidfd_ < 0) return;
  Signal(SIGTERM);
  Signal(SIGCONT);  // a stopped process would not hear SIGTERM
  if (Wait(patience).ok()) return;
  kill(-pid_, SIGKILL);
  // Not even SIGKILL ends a process that hangs in the kernel; do not join it.
  (void)Wait(absl::Seconds(30));
}

void Process::Signal(int signal) {
  if (Running()) pidfd_send_signal(pidfd_, signal, nullptr, 0);
}

bool Process::Running() { return !Wait(absl::ZeroDuration()).ok(); }

absl::StatusOr<int> Process::Wait(absl::Duration timeout) {
  if (pidfd_ < 0) return exit_status_;
  const absl::Duration deadline = Clock::Real().Uptime() + timeout;
  pollfd ended = {pidfd_, POLLIN, 0};
  int ready;
  do {
    const absl::Duration left = deadline - Clock::Real().Uptime();
    ready = poll(&ended, 1,
                 static_cast<int>(
                     std::max<int64_t>(0, absl::ToInt64Milliseconds(absl::Ceil(
                                              left, absl::Milliseconds(1))))));
  } while (ready < 0 && errno == EINTR);
  if (ready <= 0) {
    return absl::DeadlineExceededError(absl::StrCat(
        name_, ": still running after ", absl::FormatDuration(timeout)));
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  exit_status_ = ExitStatusOf(status);
  close(pidfd_);
  pidfd_ = -1;
  return exit_status_;
}

absl::Status Process::WaitUntilReady(
    absl::Duration timeout, absl::FunctionRef<absl::Status()> condition,
    absl::Duration interval) {
  bool ended = false;
  const absl::Status ready = WaitUntil(
      timeout,
      [&] {
        ended = !Running();
        return ended ? absl::OkStatus() : condition();
      },
      interval);
  if (ended) {
    return absl::UnavailableError(absl::StrCat(
        name_, ": ended with status ", exit_status_,
        " before it was ready; its log says: ", TailOf(log_file_)));
  }
  if (ready.ok()) return ready;
  return absl::DeadlineExceededError(
      absl::StrCat(name_, ": not ready: ", ready.message(),
                   "; its log says: ", TailOf(log_file_)));
}

absl::StatusOr<RunResult> RunProgram(Command command, const std::string& input,
                                     absl::Duration timeout) {
  // Files in memory instead of pipes: nobody has to read while it runs.
  const Fd in(memfd_create("stdin", MFD_CLOEXEC));
  const Fd out(memfd_create("stdout", MFD_CLOEXEC));
  const Fd err(memfd_create("stderr", MFD_CLOEXEC));
  if (write(in.get(), input.data(), input.size()) !=
          static_cast<ssize_t>(input.size()) ||
      lseek(in.get(), 0, SEEK_SET) != 0) {
    return absl::ErrnoToStatus(errno, "memfd");
  }
  ASSIGN_OR_RETURN(const pid_t pid,
                   Spawn(command, {in.get(), out.get(), err.get()}));
  const Fd pidfd(pidfd_open(pid, 0));
  pollfd ended = {pidfd.get(), POLLIN, 0};
  int ready;
  do {
    ready =
        poll(&ended, 1, static_cast<int>(absl::ToInt64Milliseconds(timeout)));
  } while (ready < 0 && errno == EINTR);
  if (ready <= 0) kill(-pid, SIGKILL);
  int status = 0;
  waitpid(pid, &status, 0);
  if (ready <= 0) {
    return absl::DeadlineExceededError(
        absl::StrCat(BaseName(command.argv[0]), ": killed after ",
                     absl::FormatDuration(timeout),
                     "; it had said: ", ContentOf(out), ContentOf(err)));
  }
  return RunResult{ExitStatusOf(status), ContentOf(out), ContentOf(err)};
}

absl::StatusOr<std::string> OutputOf(Command command, const std::string& input,
                                     absl::Duration timeout) {
  const std::string what = absl::StrCat(
      BaseName(command.argv[0]),
      command.argv.size() > 1 ? absl::StrCat(" ", command.argv[1]) : "");
  ASSIGN_OR_RETURN(RunResult result,
                   RunProgram(std::move(command), input, timeout));
  if (result.exit_status == 0) return std::move(result.output);
  return absl::InternalError(
      absl::StrCat(what, ": failed with status ", result.exit_status, ": ",
                   result.error.empty() ? result.output : result.error));
}

absl::Status WaitUntil(absl::Duration timeout,
                       absl::FunctionRef<absl::Status()> condition,
                       absl::Duration interval) {
  const Clock& clock = Clock::Real();
  const absl::Duration deadline = clock.Uptime() + timeout;
  while (true) {
    const absl::Status status = condition();
    if (status.ok()) return status;
    if (clock.Uptime() >= deadline) {
      return absl::DeadlineExceededError(
          absl::StrCat(status.message(), " (after waiting ",
                       absl::FormatDuration(timeout), ")"));
    }
    absl::SleepFor(interval);
  }
}

}  // namespace rehai::lab
