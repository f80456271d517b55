// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "chef/node_change.h"
#include "chef/ohai_output.h"
#include "chef/rendering.h"
#include "rehai/v1/model.pb.h"
#include "tests/fuzz/property.h"

namespace rehai {
namespace {

constexpr char kNode[] = "hv1";

v1::Record RecordOfHost() {
  v1::Record record;
  record.set_node(kNode);
  record.mutable_facts()->set_uuid("c7a5fdbd-edaf-4d1c-8f64-000000001000");
  v1::Guest& guest = *record.add_guests();
  guest.set_uuid("c7a5fdbd-edaf-4d1c-8f64-000000000001");
  guest.set_name("web");
  return record;
}

chef::NodeUpdate UpdateOf(absl::string_view letters) {
  chef::RenderingOptions options;
  options.kvm_extensions = absl::StrContains(letters, 'k');
  options.ohai_libvirt = absl::StrContains(letters, 'l');
  options.places.automatic = !absl::StrContains(letters, 'A');
  if (absl::StrContains(letters, 'n')) options.places.normal_prefix = {"site"};
  chef::NodeUpdate update;
  update.node = kNode;
  update.rendering = chef::Render(RecordOfHost(), options);
  update.stamp = {.digest = update.rendering.digest,
                  .revision = 7,
                  .observed_at = absl::FromUnixSeconds(1),
                  .written_at = absl::FromUnixSeconds(2),
                  .source = "pull test:///default"};
  return update;
}

// The node is `sent` now, and is looked at again.
std::string BrokenAfter(const std::string& sent, const chef::NodeMarks& marks,
                        chef::NodeUpdate update) {
  update.confirmed = marks;
  // It was brought back by the write before.
  update.saved = nullptr;
  const auto again = chef::PlanChange(sent, update);
  if (!again.ok()) {
    return absl::StrCat("what was sent is no node: ", again.status().message());
  }
  return again->document.has_value() ? "a write that never ends" : "";
}

// The server answers `answer` to the change.
std::string BrokenAnswer(absl::string_view answer,
                         const chef::NodeUpdate& update,
                         const chef::NodeChange& change) {
  const auto marks = chef::ConfirmedMarks(answer, update, change);
  if (!marks.ok()) {
    return absl::IsInvalidArgument(marks.status()) ? ""
                                                   : "an answer's other error";
  }
  if (!marks->has_value()) return "";
  // What is confirmed is what a search would find, so that it can be compared.
  return (*marks)->digest == update.stamp.digest ||
                 update.rendering.subtrees.empty()
             ? ""
             : "confirmed with another digest";
}

}  // namespace

// The input: letters that say what is rendered where, a line break, a node as
// the server sends it; "%saved" in a line of its own, and the node that
// chef-client has saved; "%ohai", and what Ohai printed; "%answer", and what
// the server answers to the write.
//   - A document that is not the node, or is in the way, is refused in words;
//     nothing is ever lost (kInternal).
//   - What is to be sent is the node, and is confirmed by the same bytes.
//   - Once it is there, there is nothing to be written.
//   - Any other answer is one or is none.
std::string BrokenProperty(absl::string_view input) {
  absl::string_view answer = input;
  absl::string_view ohai = TakePart(answer, "\n%answer\n");
  absl::string_view saved = TakePart(ohai, "\n%ohai\n");
  absl::string_view document = TakePart(saved, "\n%saved\n");
  chef::NodeUpdate update = UpdateOf(TakePart(document, "\n"));
  if (!saved.empty()) update.saved = std::make_shared<std::string>(saved);
  auto found = chef::ParseOhaiOutput(ohai, /*whole=*/true,
                                     /*with_ohai_time=*/true);
  if (found.ok()) update.ohai = std::move(found->subtrees);

  const auto change = chef::PlanChange(document, update);
  if (!change.ok()) {
    const absl::StatusCode code = change.status().code();
    if (code != absl::StatusCode::kInvalidArgument &&
        code != absl::StatusCode::kFailedPrecondition) {
      return absl::StrCat("another error: ", change.status().message());
    }
    return BrokenError(change.status());
  }
  if (!change->document.has_value()) {
    return BrokenAnswer(answer, update, *change);
  }
  const auto marks = chef::ConfirmedMarks(*change->document, update, *change);
  if (!marks.ok() || !marks->has_value()) {
    return "what was sent is not confirmed";
  }
  if (std::string broken = BrokenAfter(*change->document, **marks, update);
      !broken.empty()) {
    return broken;
  }
  return BrokenAnswer(answer, update, *change);
}

}  // namespace rehai
