// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/source_command.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cli/arguments.h"
#include "cli/program_output.h"
#include "cli/source_view.h"
#include "cli/table.h"
#include "cli/words.h"

namespace rehai::cli {
namespace {

class SourceCommand {
 public:
  explicit SourceCommand(const CommandRun& run)
      : run_(run),
        invocation_(run.invocation),
        client_(run.client),
        console_(run.console) {}

  absl::StatusOr<ExitStatus> Run() {
    const std::string& name = invocation_.command;
    if (name == "source status") return RunStatus();
    if (name == "source connections") return RunConnections();
    if (name == "source agents") return RunAgents();
    if (name == "source retry") return RunRetry();
    if (name == "source confirm-discovery") {
      return invocation_.Has("held") ? RunConfirmDiscovery() : ShowHeld();
    }
    if (name == "source confirm") return RunConfirm();
    if (name == "source accept") return RunAccept();
    return absl::InternalError(absl::StrCat(name, ": nobody runs it"));
  }

 private:
  absl::StatusOr<ExitStatus> RunStatus() {
    return ShowOrWatch(run_, [this]() -> absl::StatusOr<Answer> {
      ASSIGN_OR_RETURN(v1::SourceStatus status, client_.SourceStatus());
      return MakeAnswer<v1::SourceStatus>(
          std::move(status),
          [](const v1::SourceStatus& now_is, const Look& look) {
            return SourceStatusPage(now_is, Now(), look.colours);
          });
    });
  }

  absl::StatusOr<ExitStatus> RunConnections() {
    ASSIGN_OR_RETURN(const v1::HostSelector selector,
                     ReadSelector(invocation_, invocation_.arguments));
    ASSIGN_OR_RETURN(const std::vector<v1::ConnectionState> states,
                     ReadConnectionStates(invocation_));
    // Whoever names one host wants to know more of it.
    const bool one_named = invocation_.arguments.size() == 1;
    return ShowOrWatch(run_, [&]() -> absl::StatusOr<Answer> {
      ASSIGN_OR_RETURN(v1::ListConnectionsResponse connections,
                       client_.ListConnections(selector, states));
      std::vector<std::string> names;
      for (const v1::Connection& connection : connections.connections()) {
        names.push_back(connection.node());
      }
      Answer answer = MakeAnswer<v1::ListConnectionsResponse>(
          std::move(connections),
          [one_named](const v1::ListConnectionsResponse& all,
                      const Look& look) {
            std::string text = ConnectionsTable(all, Now(), look);
            if (one_named && all.connections_size() == 1) {
              absl::StrAppend(
                  &text, "\n",
                  ConnectionDetails(all.connections(0), look.colours));
            }
            return text;
          });
      answer.names = std::move(names);
      return answer;
    });
  }

  absl::StatusOr<ExitStatus> RunAgents() {
    ASSIGN_OR_RETURN(const v1::HostSelector selector,
                     ReadSelector(invocation_, invocation_.arguments));
    const bool one_named = invocation_.arguments.size() == 1;
    return ShowOrWatch(run_, [&]() -> absl::StatusOr<Answer> {
      ASSIGN_OR_RETURN(v1::ListAgentsResponse agents,
                       client_.ListAgents(selector));
      std::vector<std::string> names;
      for (const v1::AgentState& agent : agents.agents()) {
        names.push_back(agent.node());
      }
      Answer answer = MakeAnswer<v1::ListAgentsResponse>(
          std::move(agents),
          [one_named](const v1::ListAgentsResponse& all, const Look& look) {
            std::string text = AgentsTable(all, Now(), look);
            if (one_named && all.agents_size() == 1) {
              absl::StrAppend(&text, "\n",
                              AgentDetails(all.agents(0), look.colours));
            }
            return text;
          });
      answer.names = std::move(names);
      return answer;
    });
  }

  absl::StatusOr<ExitStatus> RunRetry() {
    ASSIGN_OR_RETURN(const v1::HostSelector selector,
                     ReadChosenHosts(invocation_));
    ASSIGN_OR_RETURN(const v1::RetryResponse response, client_.Retry(selector));
    if (!Structured(response)) {
      console_.PrintLine(response.released() == 0
                             ? "none of them waited to be dialled"
                             : absl::StrCat(Count(response.released(), "host"),
                                            " dialled now"));
    }
    return kDone;
  }

  absl::StatusOr<ExitStatus> ShowHeld() {
    ASSIGN_OR_RETURN(const v1::SourceStatus status, client_.SourceStatus());
    if (!Structured(status.discovery())) {
      console_.Print(HeldHostsText(status.discovery(), Now()));
    }
    return kDone;
  }

  absl::StatusOr<ExitStatus> RunConfirmDiscovery() {
    ASSIGN_OR_RETURN(const int held, ReadHeld(invocation_));
    ASSIGN_OR_RETURN(const v1::ConfirmDiscoveryResponse response,
                     client_.ConfirmDiscovery(held));
    if (!Structured(response)) {
      console_.PrintLine(
          absl::StrCat(Count(response.departed_size(), "host"), " departed:"));
      for (const std::string& node : response.departed()) {
        console_.PrintLine(absl::StrCat("  ", Printable(node)));
      }
    }
    return kDone;
  }

  absl::StatusOr<ExitStatus> RunConfirm() {
    const std::string& host = invocation_.arguments[0];
    // Afterwards nobody knows any more what they were called.
    std::map<std::string, std::string> names;
    if (!IsStructured(run_.format)) {
      ASSIGN_OR_RETURN(names, GuestNames(host));
    }
    ASSIGN_OR_RETURN(const v1::ConfirmDisappearanceResponse response,
                     client_.ConfirmDisappearance(host));
    if (!Structured(response)) {
      console_.PrintLine(absl::StrCat(Printable(host), ": ",
                                      Count(response.gone_size(), "guest"),
                                      " gone:"));
      for (const std::string& uuid : response.gone()) {
        console_.PrintLine(
            absl::StrCat("  ", Printable(uuid), "  ", Printable(names[uuid])));
      }
    }
    return kDone;
  }

  absl::StatusOr<ExitStatus> RunAccept() {
    const std::string& host = invocation_.arguments[0];
    ASSIGN_OR_RETURN(const v1::AcceptIdentityResponse response,
                     client_.AcceptIdentity(host));
    if (!Structured(response)) {
      console_.PrintLine(absl::StrCat(Printable(host), ": its host UUID is ",
                                      Printable(response.host_uuid()),
                                      " from now on"));
    }
    return kDone;
  }

  // The names of a host's guests, by UUID.
  absl::StatusOr<std::map<std::string, std::string>> GuestNames(
      const std::string& host) {
    v1::ListGuestsRequest question;
    question.mutable_hosts()->add_nodes(host);
    ASSIGN_OR_RETURN(const v1::ListGuestsResponse guests,
                     client_.ListGuests(question));
    std::map<std::string, std::string> names;
    for (const v1::LocatedGuest& located : guests.guests()) {
      names[located.guest().uuid()] = located.guest().name();
    }
    return names;
  }

  bool Structured(const google::protobuf::Message& message) {
    return PrintForPrograms(message, run_.format, console_);
  }

  static absl::Time Now() { return CommandRun::Now(); }

  const CommandRun& run_;
  const Invocation& invocation_;
  Client& client_;
  Console& console_;
};

}  // namespace

absl::StatusOr<ExitStatus> RunSource(const CommandRun& run) {
  return SourceCommand(run).Run();
}

}  // namespace rehai::cli
