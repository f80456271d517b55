// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/ohai_run.h"

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "chef/node_document.h"
#include "chef/node_marks.h"

namespace rehai {
namespace {

std::string AsOhaiTime(absl::Time time) {
  const int64_t micros = absl::ToUnixMicros(time);
  return absl::StrFormat("%d.%06d", micros / 1'000'000, micros % 1'000'000);
}

absl::Status AtHost(const HostId& host, const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrCat("host ", host.node, ": ", status.message()));
}

}  // namespace

size_t OhaiRun::bytes() const {
  size_t bytes = 0;
  for (const chef::Subtree& tree : output.subtrees) bytes += tree.json->size();
  return bytes;
}

absl::StatusOr<OhaiRun> ReadOhaiResult(const HostId& host,
                                       const v1::OhaiResult& result,
                                       absl::Time asked_at,
                                       bool with_ohai_time) {
  if (!result.error().empty()) return absl::UnavailableError(result.error());
  const absl::string_view json(result.json().data(), result.json().size());
  if (json.size() > kMaxOhaiBytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("host ", host.node, ": the output of ohai has ",
                     json.size(), " bytes, and more than ", kMaxOhaiBytes,
                     " are not read; ask for fewer plugins"));
  }
  OhaiRun run;
  absl::StatusOr<chef::OhaiOutput> output =
      chef::ParseOhaiOutput(json, result.whole(), with_ohai_time);
  if (!output.ok()) return AtHost(host, output.status());
  run.output = *std::move(output);
  ASSIGN_OR_RETURN(const std::optional<absl::string_view> time,
                   chef::FindValue(json, {{"ohai_time"}}));
  run.time = std::string(time.value_or(""));
  // Earlier than any number, so it is none.
  if (chef::CompareOhaiTimes(run.time, "0") < 0) {
    run.time = AsOhaiTime(asked_at);
  }
  return run;
}

}  // namespace rehai
