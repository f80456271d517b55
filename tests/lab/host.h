// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_HOST_H_
#define TESTS_LAB_HOST_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "tests/lab/guest_xml.h"
#include "tests/lab/libvirt_client.h"
#include "tests/lab/link.h"
#include "tests/lab/process.h"
#include "tests/lab/sshd.h"

namespace rehai::lab {

// What hosts need to be reached by ssh, made once per lab.
struct SshIdentity {
  std::string authorized_keys_file;
  // A key that is no host's.
  std::string wrong_host_key_file;
  // The URI's command= parameter.
  std::string command;
};

// A private hypervisor: a libvirtd and, if it is to be reached that way, an
// sshd, with process ids, mounts and a host name of their own. They see private
// folders where libvirt keeps its state, and their processes, QEMU guests too,
// end with them. The network is the machine's. Needs root.
//
// Guests are changed by libvirt's C API on a connection that is held. A host
// that hangs or is killed answers nobody, us neither: what is done to its
// guests then returns kUnavailable at once, and never waits.
//
// Thread-safe: one call at a time, the others wait for it. None waits for a
// hung daemon.
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
    // Not null: a link of that relay stands before sshd. Must outlive the host.
    Relay* relay = nullptr;
    // Spares QEMU's host seconds of probing: takes over what that one found.
    const Host* capabilities_of = nullptr;
    // A simulated host has the guests that it is told of, in every life of its
    // libvirtd, as a real one has, and not the test driver's own guest, "test",
    // which is the same on all hosts. Nobody sees it before it has them.
    bool keeps_guests = false;
    // What a host that keeps its guests begins with, and which of them run.
    std::vector<std::pair<GuestSpec, GuestState>> guests = {};
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
  // The same without command=, for who finds and trusts the host by itself.
  std::string bare_uri() const;
  // For this machine's root.
  std::string local_uri() const;
  // The port of 127.0.0.1 where ssh reaches it; 0 without ssh.
  int ssh_port() const;
  // Its public host key: "ssh-ed25519 AAAA...".
  std::string ssh_host_key() const;

  // Runs virsh on it. Its output, or kInternal with what it complained about.
  absl::StatusOr<std::string> Virsh(std::vector<std::string> arguments,
                                    const std::string& input = "");

  // What is done to one guest, by its name. kUnavailable: the host is hurt;
  // kInternal: libvirt refused.
  absl::Status Define(const GuestSpec& guest);
  absl::Status StartGuest(const std::string& guest);
  absl::Status Suspend(const std::string& guest);
  absl::Status ResumeGuest(const std::string& guest);
  absl::Status Destroy(const std::string& guest);
  absl::Status Undefine(const std::string& guest);
  // As a live migration does: the running guest runs there, with the same UUID,
  // before it is gone here. Nobody hurts either host meanwhile.
  absl::Status MigrateTo(Host& destination, const std::string& guest)
      ABSL_NO_THREAD_SAFETY_ANALYSIS;
  // The guests that the methods above made and what they left them as, whether
  // libvirtd is up or not.
  std::vector<ShownGuest> guests() const;

  // Hangs libvirtd: connections stay and nobody answers, until Resume().
  void Hang();
  void Resume();
  // Ends libvirtd without warning. QEMU's guests run on.
  void Kill();
  // Ends libvirtd, if it runs, and starts it again. QEMU's guests are found
  // again; a simulated host is as new, unless it keeps its guests.
  absl::Status Restart();

  // Its sshd answers with another host key. Sessions end.
  absl::Status WrongHostKey();
  // It has no sshd any more. Sessions end.
  absl::Status RefuseSsh();
  // What stands before its sshd; null without one.
  Link* link() { return link_.get(); }

  // Undoes all of the above, the link's hurts too. Sessions and connections
  // that are well stay.
  absl::Status Heal();

  // For teardown of many: its processes end soon. Nothing works any more.
  void Condemn();

 private:
  enum class Daemon { kUp, kHung, kDown };

  // A guest that we have made.
  struct KeptGuest {
    GuestSpec spec;  // with its UUID
    GuestState state = GuestState::kShutOff;
  };

  explicit Host(Options options);

  std::string File(const std::string& name) const;
  std::string SocketUri(const std::string& socket) const;
  absl::Status WriteFiles();
  absl::Status Isolate();
  absl::Status LaunchSshd();
  absl::Status LaunchLibvirtd() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status RestoreGuests() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status PublishSockets() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status ExpectUp() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status DefineLocked(const GuestSpec& guest)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Makes the call, and notes what the guest is afterwards.
  absl::Status Change(const std::string& guest, GuestState after,
                      absl::Status (LibvirtClient::*call)(const std::string&));
  absl::Status ChangeLocked(
      const std::string& guest, GuestState after,
      absl::Status (LibvirtClient::*call)(const std::string&))
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status UndefineLocked(const std::string& guest)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status MoveGuest(Host& destination, const std::string& guest)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_, destination.mu_);
  absl::Status ExpectSsh() const;

  // Set by Start().
  const Options options_;
  std::unique_ptr<Process> namespaces_;  // their first process
  std::unique_ptr<Link> link_;

  // Held across calls of libvirt: it is what makes them one at a time.
  mutable Mutex mu_;
  std::unique_ptr<Sshd> sshd_;
  std::unique_ptr<Process> libvirtd_ ABSL_GUARDED_BY(mu_);
  // The test driver forgets everything when its last client leaves.
  std::unique_ptr<LibvirtClient> client_ ABSL_GUARDED_BY(mu_);
  Daemon daemon_ ABSL_GUARDED_BY(mu_) = Daemon::kDown;
  std::map<std::string, KeptGuest> guests_ ABSL_GUARDED_BY(mu_);  // by name
};

}  // namespace rehai::lab

#endif  // TESTS_LAB_HOST_H_
