// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// A library to be loaded before all others (LD_PRELOAD) by a program whose
// machine's wall clock is to be wrong, by as many seconds as
// WRONG_CLOCK_SECONDS says. Uninterrupted clocks are right, as they are on such
// a machine.

#include <dlfcn.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

namespace {

using Syscall = long (*)(long, ...);
using ClockGettime = int (*)(clockid_t, timespec*);

template <typename Function>
Function Next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

time_t Wrong() {
  static const time_t seconds = [] {
    const char* const text = getenv("WRONG_CLOCK_SECONDS");
    return text == nullptr ? 0 : static_cast<time_t>(atoll(text));
  }();
  return seconds;
}

}  // namespace

extern "C" {

__attribute__((visibility("default"))) int clock_gettime(clockid_t clock,
                                                         timespec* now) {
  static const auto next = Next<ClockGettime>("clock_gettime");
  const int result = next(clock, now);
  if (result == 0 &&
      (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    now->tv_sec += Wrong();
  }
  return result;
}

__attribute__((visibility("default"))) int gettimeofday(timeval* now, void*) {
  timespec precise;
  if (clock_gettime(CLOCK_REALTIME, &precise) != 0) return -1;
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return 0;
}

__attribute__((visibility("default"))) time_t time(time_t* now) {
  timespec precise = {};
  clock_gettime(CLOCK_REALTIME, &precise);
  if (now != nullptr) *now = precise.tv_sec;
  return precise.tv_sec;
}

// Who waits until a time by the wall clock asks the kernel, whose clock is
// right. Abseil does so by this function.
__attribute__((visibility("default"))) long syscall(long number, ...) {
  static const auto next = Next<Syscall>("syscall");
  va_list arguments;
  va_start(arguments, number);
  long argument[6];
  for (long& one : argument) one = va_arg(arguments, long);
  va_end(arguments);
  timespec until;
  if (number == SYS_futex && (argument[1] & FUTEX_CLOCK_REALTIME) != 0 &&
      argument[3] != 0) {
    until = *reinterpret_cast<const timespec*>(argument[3]);
    until.tv_sec -= Wrong();
    if (until.tv_sec < 0) until.tv_sec = 0;
    argument[3] = reinterpret_cast<long>(&until);
  }
  return next(number, argument[0], argument[1], argument[2], argument[3],
              argument[4], argument[5]);
}

}  // extern "C"
