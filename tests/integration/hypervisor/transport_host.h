// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_INTEGRATION_HYPERVISOR_TRANSPORT_HOST_H_
#define TESTS_INTEGRATION_HYPERVISOR_TRANSPORT_HOST_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tests/lab/process.h"
#include "tests/lab/temp_folder.h"

namespace rehai::hypervisor {

// One private hypervisor that can be reached in every way that libvirt knows: a
// libvirtd with the test driver on a unix socket and on loopback ports with and
// without TLS, and an sshd before it. They see a private /run and, of accounts,
// a root with a plain shell; everything ends with this object. Needs root. Not
// thread-safe.
class TransportHost {
 public:
  // Returns once all of it answers.
  static absl::StatusOr<std::unique_ptr<TransportHost>> Start();
  ~TransportHost();

  TransportHost(const TransportHost&) = delete;
  TransportHost& operator=(const TransportHost&) = delete;

  // By "unix", "tcp", "tls", "ssh" or "libssh2". The ssh client needs what the
  // files below hold.
  std::string Uri(absl::string_view transport) const;

  int ssh_port() const { return ssh_port_; }
  int tcp_port() const { return tcp_port_; }
  // Of a key that root may log in with, and of one that it may not.
  std::string client_key() const { return *folder_ / "client_key"; }
  std::string strange_key() const { return *folder_ / "strange_key"; }
  // Of host keys: the right one for 127.0.0.1 and localhost, another in its
  // place, and none.
  std::string known_hosts() const { return *folder_ / "known_hosts"; }
  std::string wrong_hosts() const { return *folder_ / "wrong_hosts"; }
  std::string no_hosts() const { return *folder_ / "no_hosts"; }

  // libvirtd: to be hung with SIGSTOP.
  lab::Process& libvirtd() { return *libvirtd_; }

 private:
  explicit TransportHost(std::unique_ptr<lab::TempFolder> folder);

  absl::Status MakeSshFiles();
  absl::Status MakeCertificates();
  absl::Status MakeCertificate(const std::string& name,
                               const std::string& section);
  absl::Status Launch();

  const std::unique_ptr<lab::TempFolder> folder_;
  int tcp_port_ = 0;
  int tls_port_ = 0;
  int ssh_port_ = 0;
  std::unique_ptr<lab::Process> libvirtd_;
};

}  // namespace rehai::hypervisor

#endif  // TESTS_INTEGRATION_HYPERVISOR_TRANSPORT_HOST_H_
