// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/process_figures.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

namespace rehai {
namespace {

int64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  int64_t pages = 0;
  int64_t resident_pages = 0;
  statm >> pages >> resident_pages;
  return resident_pages * sysconf(_SC_PAGESIZE);
}

int64_t OpenFiles() {
  DIR* const folder = opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  int64_t count = 0;
  while (const dirent* const entry = readdir(folder)) {
    count += entry->d_name[0] != '.';
  }
  closedir(folder);
  return count - 1;  // the one that reads the folder
}

}  // namespace

ProcessFigures ReadProcessFigures() {
  ProcessFigures figures;
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0) {
    figures.cpu_time = absl::DurationFromTimeval(usage.ru_utime) +
                       absl::DurationFromTimeval(usage.ru_stime);
  }
  figures.resident_bytes = ResidentBytes();
  figures.open_files = OpenFiles();
  return figures;
}

}  // namespace rehai
