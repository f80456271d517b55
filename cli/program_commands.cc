// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/program_commands.h"

#include <algorithm>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "base/spelling.h"
#include "base/status_macros.h"
#include "cli/client.h"
#include "cli/completion.h"
#include "cli/contexts.h"
#include "cli/man_page.h"
#include "cli/settings.h"
#include "cli/table.h"
#include "cli/views.h"
#include "rehai/v1/fleet.pb.h"
#include "rehai/v1/resync.pb.h"

namespace rehai::cli {
namespace {

// Whoever presses Tab waits for it.
constexpr absl::Duration kPatience = absl::Seconds(1);
// More than this nobody chooses from.
constexpr int64_t kMostNames = 200;

absl::StatusOr<std::vector<std::string>> ContextNames() {
  ASSIGN_OR_RETURN(const Contexts contexts, ReadContexts(ContextsPath()));
  std::vector<std::string> names;
  for (const auto& [name, context] : contexts.named) names.push_back(name);
  return names;
}

// A filter for names that begin so.
std::string BeginsWith(const std::string& field, const std::string& typed) {
  if (typed.empty()) return "";
  return absl::StrCat(
      field, " = \"",
      absl::StrReplaceAll(typed, {{"\\", "\\\\"}, {"\"", "\\\""}}), "*\"");
}

absl::StatusOr<std::vector<std::string>> HostNames(Client& client,
                                                   const std::string& typed) {
  v1::ListHostsRequest request;
  request.mutable_read_mask()->add_paths("node");
  request.set_filter(BeginsWith("node", typed));
  ASSIGN_OR_RETURN(const v1::ListHostsResponse hosts,
                   client.ListHosts(request, kMostNames));
  std::vector<std::string> names;
  for (const v1::Host& host : hosts.hosts()) names.push_back(host.node());
  return names;
}

absl::StatusOr<std::vector<std::string>> GuestNamesOf(
    Client& client, const std::string& typed) {
  v1::ListGuestsRequest request;
  request.mutable_read_mask()->add_paths("guest.name");
  request.mutable_read_mask()->add_paths("guest.uuid");
  request.set_filter(BeginsWith("name", typed));
  ASSIGN_OR_RETURN(const v1::ListGuestsResponse guests,
                   client.ListGuests(request, kMostNames));
  return GuestNames(guests);
}

absl::StatusOr<std::vector<std::string>> ResyncIds(Client& client) {
  ASSIGN_OR_RETURN(const v1::ResyncListResponse operations,
                   client.ListResyncs(v1::ResyncListRequest(), kMostNames));
  std::vector<std::string> ids;
  for (const v1::Operation& operation : operations.operations()) {
    ids.push_back(operation.id());
  }
  return ids;
}

// The names of this kind; `before` is the command line so far, which may name
// the server.
absl::StatusOr<std::vector<std::string>> NamesOf(
    WordKind kind, const std::string& typed,
    const std::vector<std::string>& before) {
  if (kind == WordKind::kContext) return ContextNames();
  std::vector<std::string> words = before;
  words.push_back("--help");  // so that what is missing is no error
  absl::StatusOr<Invocation> so_far = ParseCommandLine(Rehaictl(), words);
  ASSIGN_OR_RETURN(const Settings settings,
                   ReadSettings(so_far.ok() ? *so_far : Invocation()));
  ASSIGN_OR_RETURN(Client::Options options, ToClientOptions(settings));
  options.timeout = std::min(options.timeout, kPatience);
  ASSIGN_OR_RETURN(const std::unique_ptr<Client> client,
                   Client::Create(options));
  switch (kind) {
    case WordKind::kHost:
      return HostNames(*client, typed);
    case WordKind::kGuest:
      return GuestNamesOf(*client, typed);
    case WordKind::kResync:
      return ResyncIds(*client);
    default:
      return std::vector<std::string>();
  }
}

}  // namespace

absl::StatusOr<ExitStatus> RunCompletion(const Invocation& invocation,
                                         Console& console) {
  ASSIGN_OR_RETURN(const std::string script,
                   CompletionScript(invocation.arguments[0], Rehaictl().name));
  console.Print(script);
  return kDone;
}

absl::StatusOr<ExitStatus> RunMan(const Invocation& invocation,
                                  Console& console) {
  const CommandSpec* command = nullptr;
  if (!invocation.arguments.empty()) {
    const std::string name = absl::StrJoin(invocation.arguments, " ");
    command = Rehaictl().Find(name);
    if (command == nullptr) {
      std::vector<std::string> names;
      for (const CommandSpec& known : Rehaictl().commands) {
        names.push_back(known.name);
      }
      const std::string meant = ClosestWord(name, names);
      return absl::NotFoundError(absl::StrCat(
          "man ", name, ": no such command; ",
          meant.empty() ? "rehaictl --help lists them"
                        : absl::StrCat("did you mean ", meant, "?")));
    }
  }
  console.Print(ManPage(Rehaictl(), command));
  return kDone;
}

void PrintCompletions(const std::string& shell,
                      const std::vector<std::string>& words, Console& console) {
  const bool bash = shell == "bash";
  const std::vector<std::string> whole = bash ? JoinBashWords(words) : words;
  if (whole.empty()) return;
  Completion completion = Complete(Rehaictl(), whole);
  if (completion.kind == WordKind::kFile) {
    console.Print(":files\n");
    return;
  }
  if (completion.kind != WordKind::kAnything) {
    const absl::StatusOr<std::vector<std::string>> names = NamesOf(
        completion.kind, completion.typed, {whole.begin(), whole.end() - 1});
    for (const std::string& name :
         names.ok() ? *names : std::vector<std::string>()) {
      if (!absl::StartsWith(name, completion.typed)) continue;
      completion.candidates.push_back(
          {absl::StrCat(completion.lead, Printable(name)), ""});
    }
  }
  for (const Candidate& candidate : completion.candidates) {
    const std::string word =
        bash ? AsBashCompletes(candidate.word, words) : candidate.word;
    console.Print(absl::StrCat(word, candidate.help.empty() ? "" : "\t",
                               candidate.help, "\n"));
  }
}

}  // namespace rehai::cli
