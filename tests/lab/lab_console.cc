// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/lab_console.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "tests/lab/parallel.h"

namespace rehai::lab {
namespace {

using Verb = LabCommand::Verb;

// Hosts that are hurt, or healed, at once.
constexpr int kThreads = 6;

// As it shows in the list; "" for what leaves nothing to be undone.
std::string NameOfHurt(const LabCommand& command) {
  switch (command.verb) {
    case Verb::kKill:
      return "killed";
    case Verb::kHang:
      return "hangs";
    case Verb::kSlow:
      return absl::StrCat("slow ", absl::FormatDuration(command.delay));
    case Verb::kBlackHole:
      return "black hole";
    case Verb::kWrongKey:
      return "wrong key";
    case Verb::kRefuse:
      return "refuses";
    default:
      return "";
  }
}

absl::StatusOr<Link*> LinkOf(Host& host) {
  if (host.link() != nullptr) return host.link();
  return absl::FailedPreconditionError(absl::StrCat(
      host.node(), ": has no link to hurt; start the lab with --linked"));
}

void JustTheName(std::string* out,
                 const std::pair<const Verb, std::string>& hurt) {
  absl::StrAppend(out, hurt.second);
}

}  // namespace

LabConsole::LabConsole(Lab& lab, Churn* churn)
    : lab_(lab), churn_(churn), hurts_(lab.size()) {
  for (int i = 0; i < lab.size(); ++i) names_.push_back(lab.host(i).node());
}

absl::StatusOr<std::string> LabConsole::Execute(const LabCommand& command) {
  switch (command.verb) {
    case Verb::kNothing:
    case Verb::kQuit:
      return "";
    case Verb::kHelp:
      return LabCommandHelp();
    case Verb::kList:
      return List();
    case Verb::kChurn:
      return SetChurn(command.changes_per_second);
    default:
      return Hurt(command);
  }
}

absl::StatusOr<std::string> LabConsole::SetChurn(double changes_per_second) {
  if (churn_ == nullptr) {
    return absl::FailedPreconditionError(
        "churn: no simulated hosts with guests to change; start the lab with "
        "--hosts and --guests");
  }
  churn_->SetRate(changes_per_second);
  return absl::StrCat(churn_->counts().made, " changes made so far\n");
}

absl::StatusOr<std::string> LabConsole::Hurt(const LabCommand& command) {
  ASSIGN_OR_RETURN(const std::vector<int> hosts,
                   SelectHosts(command.hosts, names_));
  const absl::Duration begin = Clock::Real().Uptime();
  if (command.verb == Verb::kRestart) {
    // All at once, not one after another.
    for (int i : hosts) lab_.host(i).Kill();
  }
  RETURN_IF_ERROR(ForEachInParallel(
      static_cast<int>(hosts.size()), kThreads,
      [&](int i) { return HurtHost(command, lab_.host(hosts[i])); }));
  for (int i : hosts) NoteHurt(command, i);
  return absl::StrCat(
      hosts.size(), hosts.size() == 1 ? " host" : " hosts", ", ",
      absl::FormatDuration(
          absl::Ceil(Clock::Real().Uptime() - begin, absl::Milliseconds(1))),
      "\n");
}

absl::Status LabConsole::HurtHost(const LabCommand& command, Host& host) {
  switch (command.verb) {
    case Verb::kKill:
      host.Kill();
      return absl::OkStatus();
    case Verb::kHang:
      host.Hang();
      return absl::OkStatus();
    case Verb::kResume:
      host.Resume();
      return absl::OkStatus();
    case Verb::kWrongKey:
      return host.WrongHostKey();
    case Verb::kRefuse:
      return host.RefuseSsh();
    case Verb::kRestart:
      return host.Restart();
    case Verb::kHeal:
      return host.Heal();
    default:
      break;
  }
  ASSIGN_OR_RETURN(Link* const link, LinkOf(host));
  if (command.verb == Verb::kSlow) link->SetDelay(command.delay);
  if (command.verb == Verb::kBlackHole) link->BlackHole();
  if (command.verb == Verb::kCut) link->Cut();
  return absl::OkStatus();
}

void LabConsole::NoteHurt(const LabCommand& command, int host) {
  std::map<Verb, std::string>& hurts = hurts_[host];
  const std::string hurt = NameOfHurt(command);
  if (!hurt.empty()) hurts[command.verb] = hurt;
  if (command.verb == Verb::kHeal) hurts.clear();
  // Their libvirtd is well again, but for a resumed one that was killed.
  if (command.verb == Verb::kRestart) hurts.erase(Verb::kKill);
  if (command.verb == Verb::kRestart || command.verb == Verb::kResume ||
      command.verb == Verb::kKill) {
    hurts.erase(Verb::kHang);
  }
}

std::string LabConsole::List() const {
  std::string list;
  for (int i = 0; i < lab_.size(); ++i) {
    const Host& host = lab_.host(i);
    absl::StrAppendFormat(&list, "%-20s 127.0.0.1:%-5d %3d guests  %s\n",
                          host.node(), host.ssh_port(), host.guests().size(),
                          absl::StrJoin(hurts_[i], ", ", JustTheName));
  }
  return list;
}

}  // namespace rehai::lab
