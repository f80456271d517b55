// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_HOST_H_
#define TESTS_LAB_HOST_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/lab/guest_xml.h"
#include "tests/lab/libvirt_client.h"
#include "tests/lab/process.h"

namespace rehai::lab {

// What hosts need to be reached by ssh, made once per lab.
struct SshIdentity {
  std::string host_key_file;
  std::string authorized_keys_file;
  // The URI's command= parameter.
  std::string command;
};

// A private hypervisor: a libvirtd and, if it is to be reached that way, an
// sshd, with process ids, mounts and a host name of their own. They see private
// folders where libvirt keeps its state, and their processes, QEMU guests too,
// end with them. The network is the machine's. Needs root. Not thread-safe.
class Host {
 public:
  struct Options {
    Driver driver = Driver::kTest;
    // Its host name and its Chef node's.
    std::string name = {};
    // An existing folder, its own, with a short path.
    std::string folder = {};
    // Null: reached by its unix socket. Must outlive the host.
    const SshIdentity* ssh = nullptr;
    // Spares QEMU's host seconds of probing: takes over what that one found.
    const Host* capabilities_of = nullptr;
  };

  // Returns once libvirt answers and sshd listens.
  static absl::StatusOr<std::unique_ptr<Host>> Start(Options options);
  ~Host();

  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  Driver driver() const { return options_.driver; }
  // Its host name, which is also its Chef node's name.
  const std::string& node() const { return options_.name; }
  // For a controller: "qemu+ssh://root@kvm1.example.net/system?command=...".
  std::string uri() const;
  // For this machine's root.
  std::string local_uri() const;
  // Where its sshd listens; 0 without one.
  int ssh_port() const { return ssh_port_; }

  // Runs virsh on it. Its output, or kInternal with what it complained about.
  absl::StatusOr<std::string> Virsh(std::vector<std::string> arguments,
                                    const std::string& input = "");

  // What virsh does to one guest, by its name.
  absl::Status Define(const GuestSpec& guest);
  absl::Status StartGuest(const std::string& guest);
  absl::Status Suspend(const std::string& guest);
  absl::Status ResumeGuest(const std::string& guest);
  absl::Status Destroy(const std::string& guest);
  absl::Status Undefine(const std::string& guest);

  // Hangs libvirtd: connections stay and nobody answers, until Resume().
  void Pause();
  void Resume();
  // Ends libvirtd without warning. QEMU's guests run on.
  void Kill();
  // Ends libvirtd, if it runs, and starts it again. QEMU's guests are found
  // again; the test driver is as new.
  absl::Status Restart();

  // Null without one.
  Process* sshd() { return sshd_.get(); }

 private:
  explicit Host(Options options);

  std::string File(const std::string& name) const;
  absl::Status WriteFiles();
  absl::Status Isolate();
  absl::Status LaunchLibvirtd();
  absl::Status LaunchSshd();

  const Options options_;
  int ssh_port_ = 0;
  // Holds the namespaces open.
  std::unique_ptr<Process> namespaces_;
  std::unique_ptr<Process> sshd_;
  std::unique_ptr<Process> libvirtd_;
  // The test driver forgets everything when its last client leaves.
  std::unique_ptr<LibvirtClient> holder_;
};

}  // namespace rehai::lab

#endif  // TESTS_LAB_HOST_H_
