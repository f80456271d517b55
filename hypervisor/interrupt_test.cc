// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "hypervisor/interrupt.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace rehai::hypervisor {
namespace {

// Does `wait` on a thread and interrupts it until it ends. A wait that cannot
// be ended hangs the test.
void InterruptUntilItEnds(const std::function<void()>& wait,
                          void (*interrupt)(pid_t) = InterruptThread) {
  std::atomic<pid_t> id{0};
  std::atomic<bool> ended{false};
  std::atomic<bool> may_end{false};
  std::thread thread([&] {
    id = gettid();
    wait();
    ended = true;
    ended.notify_all();
    may_end.wait(false);
  });
  while (id == 0) std::this_thread::yield();
  while (!ended) {
    interrupt(id);
    std::this_thread::yield();
  }
  may_end = true;
  may_end.notify_all();
  thread.join();
}

class SocketPair {
 public:
  SocketPair() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0); }
  ~SocketPair() {
    close(ends[0]);
    close(ends[1]);
  }

  bool IsOpen() const {
    return send(ends[0], "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
  }

  int ends[2];
};

TEST(InterruptTest, EndsAReceive) {
  SocketPair pair;
  InterruptUntilItEnds([&] {
    char byte;
    EXPECT_EQ(recv(pair.ends[0], &byte, 1, 0), 0);
  });
}

TEST(InterruptTest, EndsAPoll) {
  SocketPair pair;
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  InterruptUntilItEnds([&] {
    pollfd polled[2] = {{pipe_ends[0], POLLIN, 0}, {pair.ends[0], POLLIN, 0}};
    EXPECT_EQ(poll(polled, 2, -1), 1);
    EXPECT_NE(polled[1].revents, 0);
  });
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

TEST(InterruptTest, EndsAConnectThatNobodyAnswers) {
  // A full backlog drops what comes: the connect waits as for a black hole.
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(listener, generic, size), 0);
  ASSERT_EQ(listen(listener, 0), 0);
  ASSERT_EQ(getsockname(listener, generic, &size), 0);
  const int filler = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(connect(filler, generic, size), 0);

  InterruptUntilItEnds([&] {
    const int waiting = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_NE(connect(waiting, generic, size), 0);
    close(waiting);
  });
  close(filler);
  close(listener);
}

TEST(InterruptTest, EndsTheChildThatTheThreadWaitsFor) {
  InterruptUntilItEnds([] {
    const pid_t child = fork();
    if (child == 0) {
      pause();
      _exit(0);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
  });
}

TEST(InterruptTest, LeavesOtherThreadsChildrenAndSocketsAlone) {
  SocketPair mine;
  SocketPair bystander;
  std::atomic<bool> bystander_ended{false};
  std::thread other([&] {
    char bytes[2];
    EXPECT_EQ(recv(bystander.ends[1], bytes, 2, MSG_WAITALL), 2);
    bystander_ended = true;
  });
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  InterruptUntilItEnds([&] {
    char byte;
    EXPECT_EQ(recv(mine.ends[0], &byte, 1, 0), 0);
  });

  EXPECT_FALSE(bystander_ended);
  EXPECT_EQ(waitpid(child, nullptr, WNOHANG), 0);
  EXPECT_TRUE(bystander.IsOpen());
  EXPECT_TRUE(bystander.IsOpen());
  other.join();
  kill(child, SIGKILL);
  EXPECT_EQ(waitpid(child, nullptr, 0), child);
}

TEST(InterruptTest, ACallLosesItsSocketAndNoChild) {
  SocketPair pair;
  pid_t child = 0;
  InterruptUntilItEnds(
      [&] {
        child = fork();
        if (child == 0) {
          pause();
          _exit(0);
        }
        char byte;
        EXPECT_EQ(recv(pair.ends[0], &byte, 1, 0), 0);
      },
      ShutDownAwaitedSockets);
  EXPECT_EQ(waitpid(child, nullptr, WNOHANG), 0);
  kill(child, SIGKILL);
  EXPECT_EQ(waitpid(child, nullptr, 0), child);
}

// A daemon's standard error may be a socket of the journal.
TEST(InterruptTest, StandardErrorIsNeverShutDown) {
  SocketPair pair;
  const int kept = dup(STDERR_FILENO);
  ASSERT_EQ(dup2(pair.ends[0], STDERR_FILENO), STDERR_FILENO);
  std::atomic<pid_t> id{0};
  ssize_t received = -1;
  std::thread thread([&] {
    id = gettid();
    char byte;
    received = recv(STDERR_FILENO, &byte, 1, 0);
  });
  while (id == 0) std::this_thread::yield();
  std::string call;
  while (call != std::to_string(SYS_recvfrom)) {
    std::ifstream("/proc/self/task/" + std::to_string(id) + "/syscall") >> call;
  }
  InterruptThread(id);
  ShutDownAwaitedSockets(id);
  EXPECT_EQ(send(pair.ends[1], "x", 1, MSG_NOSIGNAL), 1);
  thread.join();
  dup2(kept, STDERR_FILENO);
  close(kept);
  EXPECT_EQ(received, 1);
}

}  // namespace
}  // namespace rehai::hypervisor
