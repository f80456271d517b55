// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_COMMAND_RUN_H_
#define CLI_COMMAND_RUN_H_

#include <google/protobuf/message.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/arguments.h"
#include "cli/client.h"
#include "cli/command_line.h"
#include "cli/console.h"
#include "cli/table.h"
#include "cli/usage.h"

namespace rehai::cli {

// What a command is run with. All of it outlives the run.
struct CommandRun {
  const Invocation& invocation;
  OutputFormat format;
  Client& client;
  Console& console;
  // Of a watch; see Client::Options.
  absl::Duration watch_timeout;

  // The terminal's, and wide if that was asked for.
  Look look() const;
  static absl::Time Now();
};

// An answer, and how each format shows it.
struct Answer {
  std::shared_ptr<const google::protobuf::Message> message;
  std::function<std::string(const Look&)> table;
  // Absent: it is not a list, and --output name is refused.
  std::optional<std::vector<std::string>> names = std::nullopt;
  ExitStatus status = kDone;
  // Of answers that change all the time: what of it is worth showing it again
  // for. Absent: any of the message.
  std::optional<std::string> gist = std::nullopt;
  // Of an answer about the fleet's records: the fleet's revision then.
  int64_t revision = 0;
};

// Shows the answer. kInvalidArgument if it has no such format.
absl::Status Show(const CommandRun& run, const Answer& answer);

// Asks and shows the answer; with --watch again and again, until --timeout or
// Ctrl-C: when a host of `watched` changes, or, without that, as often as
// --interval says. On a terminal each answer takes the place of the one before;
// else it comes after it, if it is another. The server may go away for a while.
// Errors are the first answer's, or such as time does not heal.
absl::StatusOr<ExitStatus> ShowOrWatch(
    const CommandRun& run, const std::function<absl::StatusOr<Answer>()>& ask,
    const v1::HostSelector* watched = nullptr);

// An answer of this message, which it keeps.
template <typename Message>
Answer MakeAnswer(
    Message message,
    std::function<std::string(const Message&, const Look&)> table) {
  auto kept = std::make_shared<const Message>(std::move(message));
  return {.message = kept,
          .table = [kept, table = std::move(table)](const Look& look) {
            return table(*kept, look);
          }};
}

}  // namespace rehai::cli

#endif  // CLI_COMMAND_RUN_H_
