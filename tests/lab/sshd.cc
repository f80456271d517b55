// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/sshd.h"

#include <signal.h>

#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/file.h"
#include "base/status_macros.h"

namespace rehai::lab {
namespace {

std::string Config(const Sshd::Options& options, int port,
                   const std::string& host_key_file) {
  return absl::StrCat("ListenAddress 127.0.0.1\nPort ", port, "\nHostKey ",
                      host_key_file, "\nAuthorizedKeysFile ",
                      options.authorized_keys_file,
                      "\nPidFile none\n"
                      "UsePAM no\n"
                      "UseDNS no\n"
                      "StrictModes no\n"
                      "PermitRootLogin prohibit-password\n"
                      "PasswordAuthentication no\n"
                      "KbdInteractiveAuthentication no\n"
                      "PermitUserRC no\n"
                      "PrintMotd no\n"
                      "MaxStartups 1000\n"
                      "LogLevel ERROR\n");
}

// Of a process with one thread.
std::vector<pid_t> ChildrenOf(pid_t parent) {
  std::vector<pid_t> children;
  const std::string text =
      ReadFile(absl::StrCat("/proc/", parent, "/task/", parent, "/children"))
          .value_or("");
  for (absl::string_view word :
       absl::StrSplit(absl::string_view(text.data(), text.size()), ' ')) {
    pid_t child = 0;
    if (absl::SimpleAtoi(word, &child)) children.push_back(child);
  }
  return children;
}

}  // namespace

absl::Status MakeSshKey(const std::string& file) {
  return OutputOf({.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C",
                            "rehai-lab", "-f", file}})
      .status();
}

absl::StatusOr<std::unique_ptr<Sshd>> Sshd::Start(Options options) {
  ASSIGN_OR_RETURN(ReservedPort port, ReservedPort::Take());
  std::unique_ptr<Sshd> sshd(new Sshd(std::move(options), std::move(port)));
  RETURN_IF_ERROR(sshd->MakeFiles());
  RETURN_IF_ERROR(sshd->Launch(sshd->File("host_key")));
  return sshd;
}

Sshd::Sshd(Options options, ReservedPort port)
    : options_(std::move(options)), port_(std::move(port)) {}

std::string Sshd::File(const std::string& name) const {
  return absl::StrCat(options_.folder, "/", name);
}

absl::Status Sshd::MakeFiles() {
  RETURN_IF_ERROR(MakeSshKey(File("host_key")));
  ASSIGN_OR_RETURN(const std::string key, ReadFile(File("host_key.pub")));
  const std::vector<std::string> words =
      absl::StrSplit(absl::string_view(key.data(), key.size()), ' ');
  if (words.size() < 2) {
    return absl::InternalError(
        absl::StrCat(File("host_key.pub"), ": not a public key: ", key));
  }
  public_key_ = absl::StrCat(words[0], " ", words[1]);
  return absl::OkStatus();
}

absl::Status Sshd::Launch(const std::string& host_key_file) {
  const std::string config = Config(options_, port(), host_key_file);
  RETURN_IF_ERROR(WriteFileAtomically(
      File("sshd_config"), absl::string_view(config.data(), config.size()),
      0600));
  ASSIGN_OR_RETURN(process_,
                   Process::Start({.argv = {"/usr/sbin/sshd", "-D", "-e", "-f",
                                            File("sshd_config")},
                                   .log_file = File("sshd.log"),
                                   .namespaces_of = options_.namespaces}));
  return process_->WaitUntilReady(absl::Seconds(20),
                                  [&] { return CanConnect(port()); });
}

void Sshd::Refuse() {
  hurt_ = true;
  // It begins no session while its sessions are looked for.
  process_->Signal(SIGSTOP);
  const std::vector<pid_t> sessions =
      process_->Running() ? ChildrenOf(process_->pid()) : std::vector<pid_t>();
  process_->Signal(SIGKILL);
  for (pid_t session : sessions) kill(session, SIGKILL);
  process_->Stop();
}

absl::Status Sshd::AnswerWithWrongKey() {
  Refuse();
  return Launch(options_.wrong_host_key_file);
}

absl::Status Sshd::Heal() {
  if (!hurt_ && process_->Running()) return absl::OkStatus();
  Refuse();
  RETURN_IF_ERROR(Launch(File("host_key")));
  hurt_ = false;
  return absl::OkStatus();
}

}  // namespace rehai::lab
