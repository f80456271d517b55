// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_FLAT_LIBVIRTD_H_
#define TESTS_LAB_FLAT_LIBVIRTD_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/lab/libvirt_client.h"
#include "tests/lab/process.h"
#include "tests/lab/temp_folder.h"

namespace rehai::lab {

// A private libvirtd with nothing but libvirt's test driver, on a unix socket
// in a temporary folder: the cheapest hypervisor there is, for tests that need
// many or need one fast. Needs root, touches nothing of a system libvirtd. Not
// thread-safe.
class FlatLibvirtd {
 public:
  // Returns once it answers. It has the one guest that the test driver always
  // has, "test", running.
  static absl::StatusOr<std::unique_ptr<FlatLibvirtd>> Start();
  ~FlatLibvirtd();

  FlatLibvirtd(const FlatLibvirtd&) = delete;
  FlatLibvirtd& operator=(const FlatLibvirtd&) = delete;

  // "test+unix:///default?socket=..."
  const std::string& uri() const { return uri_; }

  // Runs virsh on it: {"suspend", "web01"}. Its output, or kInternal with what
  // it complained about.
  absl::StatusOr<std::string> Virsh(std::vector<std::string> arguments);

  // The same hypervisor again, as new: the test driver keeps its guests in
  // memory.
  absl::Status Restart();

  // The daemon: to be hung with SIGSTOP, or killed.
  Process& process() { return *process_; }

 private:
  explicit FlatLibvirtd(std::unique_ptr<TempFolder> folder);

  absl::Status Launch();

  const std::unique_ptr<TempFolder> folder_;
  const std::string uri_;
  std::unique_ptr<Process> process_;
  // The test driver forgets everything when its last client leaves.
  std::unique_ptr<LibvirtClient> holder_;
};

}  // namespace rehai::lab

#endif  // TESTS_LAB_FLAT_LIBVIRTD_H_
