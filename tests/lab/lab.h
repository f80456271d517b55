// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_LAB_H_
#define TESTS_LAB_LAB_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/lab/host.h"
#include "tests/lab/relay.h"
#include "tests/lab/temp_folder.h"

namespace rehai::lab {

// A fleet of private hypervisors that look like remote ones: each has a name, a
// host key and a libvirt URI over ssh, as it would be written into a
// controller's configuration. Several labs can be up at once, beside a system
// libvirtd and sshd. Everything is gone when the lab is; if we are killed, all
// but its files in /tmp. Needs root.
//
// Thread-safe once started, as its hosts are.
class Lab {
 public:
  struct Options {
    int qemu_hosts = 0;  // kvm1.example.net, kvm2.example.net, ...
    int test_hosts = 0;  // sim1.example.net, ...
    bool ssh = true;     // else reached by unix sockets
    // Of each simulated host: FleetGuest() with the host's number. Most run,
    // every tenth is shut off. With any, the hosts keep their guests when
    // libvirtd is restarted, as real ones do, and have no guest "test".
    int guests = 0;
    // So many simulated hosts, from the first, have a link before their sshd.
    int linked_hosts = 0;
    // Asked before each host, from several threads: true gives up, kCancelled.
    // Null: never.
    std::function<bool()> gives_up = nullptr;
  };

  // Returns once all hosts answer. The first of QEMU's takes some seconds, in
  // which libvirt finds out what QEMU can do.
  static absl::StatusOr<std::unique_ptr<Lab>> Start(Options options);
  ~Lab();

  Lab(const Lab&) = delete;
  Lab& operator=(const Lab&) = delete;

  // QEMU's hosts come first.
  int size() const { return static_cast<int>(hosts_.size()); }
  Host& host(int i) { return *hosts_[i]; }

  // Ends the libvirtd of every host that has one up, then starts all again.
  absl::Status RestartAll();
  // Heals every host.
  absl::Status HealAll();

  // For ssh to a lab that was started with it, by the hosts' bare URIs: the
  // client's private key, the host keys by host name and by [127.0.0.1]:port,
  // and an ssh_config(5) with nothing but where the hosts are.
  std::string key_file() const { return *folder_ / "client_key"; }
  std::string known_hosts_file() const { return *folder_ / "known_hosts"; }
  std::string ssh_hosts_file() const { return *folder_ / "ssh_hosts"; }

  // Files of the lab, which a caller may put its own beside.
  const TempFolder& folder() const { return *folder_; }

 private:
  explicit Lab(std::unique_ptr<TempFolder> folder);

  absl::Status MakeSshIdentity();
  absl::Status StartHosts(const Options& options);
  absl::Status StartHost(const Options& options, int i);
  // How the client finds and trusts the hosts.
  absl::Status WriteSshFiles();

  const std::unique_ptr<TempFolder> folder_;
  SshIdentity ssh_;
  std::unique_ptr<Relay> relay_;
  std::vector<std::unique_ptr<Host>> hosts_;
};

// A guest whose name and UUID no other has in a fleet, the same in every lab:
// "vm7-3" is the third guest of the seventh simulated host, where it was born.
// Both count from 1.
GuestSpec FleetGuest(int host, int guest);

}  // namespace rehai::lab

#endif  // TESTS_LAB_LAB_H_
