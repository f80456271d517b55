// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/lab_command.h"

#include <fnmatch.h>

#include <algorithm>
#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace rehai::lab {
namespace {

using Verb = LabCommand::Verb;

// What a verb takes, and what it does.
struct Grammar {
  const char* word;
  Verb verb;
  bool takes_hosts;
  const char* last;  // its last argument; "" for none
  const char* meaning;
};

constexpr Grammar kGrammar[] = {
    {"list", Verb::kList, false, "", "the hosts, and what was done to them"},
    {"kill", Verb::kKill, true, "", "kill -9 their libvirtd"},
    {"hang", Verb::kHang, true, "", "their libvirtd answers nobody"},
    {"resume", Verb::kResume, true, "", "those that hang go on"},
    {"slow", Verb::kSlow, true, "DELAY", "every byte that much later: 200ms"},
    {"blackhole", Verb::kBlackHole, true, "", "nothing passes, unanswered"},
    {"cut", Verb::kCut, true, "", "reset their connections, once"},
    {"wrongkey", Verb::kWrongKey, true, "", "sshd shows another host key"},
    {"refuse", Verb::kRefuse, true, "", "no sshd: connections are refused"},
    {"restart", Verb::kRestart, true, "", "restart their libvirtd, at once"},
    {"heal", Verb::kHeal, true, "", "undo all that was done to them"},
    {"churn", Verb::kChurn, false, "RATE",
     "so many changes of guests a second"},
    {"help", Verb::kHelp, false, "", "this"},
    {"quit", Verb::kQuit, false, "", "put everything away"},
};

std::string Usage(const Grammar& grammar) {
  return absl::StrCat(grammar.word, grammar.takes_hosts ? " HOSTS" : "",
                      *grammar.last != '\0' ? " " : "", grammar.last);
}

absl::Status ReadLast(absl::string_view text, LabCommand& command) {
  if (command.verb == Verb::kSlow &&
      (!absl::ParseDuration(text, &command.delay) ||
       command.delay < absl::ZeroDuration())) {
    return absl::InvalidArgumentError(
        absl::StrCat("slow: \"", text, "\" is no delay; write 200ms or 1s"));
  }
  if (command.verb == Verb::kChurn &&
      (!absl::SimpleAtod(text, &command.changes_per_second) ||
       !std::isfinite(command.changes_per_second) ||
       command.changes_per_second < 0)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "churn: \"", text, "\" is no rate; write 20, or 0 for none"));
  }
  return absl::OkStatus();
}

bool IsMeant(const std::string& pattern, const std::string& name) {
  const std::string label = name.substr(0, name.find('.'));
  return fnmatch(pattern.c_str(), name.c_str(), 0) == 0 ||
         fnmatch(pattern.c_str(), label.c_str(), 0) == 0;
}

// How many of `count` hosts a text like "30%" means.
absl::StatusOr<int> ShareOf(absl::string_view text, int count) {
  double percent = 0;
  if (!absl::SimpleAtod(absl::StripSuffix(text, "%"), &percent) ||
      !(percent > 0 && percent <= 100)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", text, "\" is no share of the hosts; write 1% to 100%"));
  }
  return static_cast<int>(std::ceil(count * percent / 100));
}

}  // namespace

absl::StatusOr<LabCommand> ParseLabCommand(absl::string_view line) {
  const std::vector<absl::string_view> words =
      absl::StrSplit(line, absl::ByAnyChar(" \t\r\n"), absl::SkipEmpty());
  if (words.empty()) return LabCommand();
  const auto grammar =
      std::find_if(std::begin(kGrammar), std::end(kGrammar),
                   [&](const Grammar& g) { return words[0] == g.word; });
  if (grammar == std::end(kGrammar)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", words[0], "\" is no command; try help"));
  }
  const bool has_last = *grammar->last != '\0';
  const size_t expected = 1 + grammar->takes_hosts + has_last;
  if (words.size() != expected) {
    return absl::InvalidArgumentError(absl::StrCat(
        grammar->word, ": ",
        words.size() < expected ? "something is missing" : "too many words",
        "; write: ", Usage(*grammar)));
  }
  LabCommand command = {.verb = grammar->verb};
  if (grammar->takes_hosts) {
    command.hosts = std::string(words[1].data(), words[1].size());
  }
  if (has_last) {
    const absl::Status read = ReadLast(words.back(), command);
    if (!read.ok()) return read;
  }
  return command;
}

std::string LabCommandHelp() {
  std::string help;
  for (const Grammar& grammar : kGrammar) {
    absl::StrAppendFormat(&help, "  %-18s %s\n", Usage(grammar),
                          grammar.meaning);
  }
  return absl::StrCat(
      help, "HOSTS: sim7, a pattern like sim1*, 30% of them, or all\n");
}

absl::StatusOr<std::vector<int>> SelectHosts(
    absl::string_view hosts, const std::vector<std::string>& names) {
  const int count = static_cast<int>(names.size());
  int first = hosts == "all" ? count : 0;
  if (!hosts.empty() && hosts.back() == '%') {
    const absl::StatusOr<int> share = ShareOf(hosts, count);
    if (!share.ok()) return share.status();
    first = *share;
  }
  const std::string pattern(hosts.data(), hosts.size());
  std::vector<int> selected;
  for (int i = 0; i < count; ++i) {
    if (i < first || IsMeant(pattern, names[i])) selected.push_back(i);
  }
  if (!selected.empty()) return selected;
  return absl::InvalidArgumentError(
      absl::StrCat("no host is named \"", hosts, "\"; see list"));
}

}  // namespace rehai::lab
