// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_LAB_H_
#define TESTS_LAB_LAB_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/lab/host.h"
#include "tests/lab/temp_folder.h"

namespace rehai::lab {

// A fleet of private hypervisors that look like remote ones: each has a name, a
// host key and a libvirt URI over ssh, as it would be written into a
// controller's configuration. Several labs can be up at once, beside a system
// libvirtd and sshd. Everything is gone when the lab is. Needs root. Not
// thread-safe.
class Lab {
 public:
  struct Options {
    int qemu_hosts = 0;  // kvm1.example.net, kvm2.example.net, ...
    int test_hosts = 0;  // sim1.example.net, ...
    bool ssh = true;     // else reached by unix sockets
  };

  // QEMU's hosts come first. The first of them takes some seconds, in which
  // libvirt finds out what QEMU can do.
  static absl::StatusOr<std::unique_ptr<Lab>> Start(Options options);

  Lab(const Lab&) = delete;
  Lab& operator=(const Lab&) = delete;

  int size() const { return static_cast<int>(hosts_.size()); }
  Host& host(int i) { return *hosts_[i]; }

  // Files of the lab, which a caller may put its own beside.
  const TempFolder& folder() const { return *folder_; }

 private:
  explicit Lab(std::unique_ptr<TempFolder> folder);

  absl::Status MakeSshIdentity();
  absl::Status AddHost(Driver driver, const std::string& name, bool ssh);
  // How the client finds and trusts the hosts.
  absl::Status WriteSshConfig();

  const std::unique_ptr<TempFolder> folder_;
  SshIdentity ssh_;
  std::vector<std::unique_ptr<Host>> hosts_;
};

}  // namespace rehai::lab

#endif  // TESTS_LAB_LAB_H_
