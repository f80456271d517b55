// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/explain_service.h"

#include <grpcpp/server_context.h>

#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "controller/api/attribute_path.h"
#include "controller/api/explain.h"
#include "controller/api/late_answer.h"
#include "controller/api/uuid.h"
#include "rehai/v1/explain.grpc.pb.h"

namespace rehai {
namespace {

// Where there is a guest of this UUID, or of this name.
std::vector<GuestLocation> PlacesOf(const std::string& guest,
                                    const Inventory& inventory) {
  if (const auto uuid = ParseGuestId(guest); uuid.ok()) {
    if (const auto place = inventory.FindGuest(*uuid)) return {*place};
  }
  return inventory.FindGuestsByName(guest);
}

// What is to be explained, before the node was read.
struct Question {
  ExplainFacts facts;
  chef::NodePath path;
};

// kInvalidArgument and kFailedPrecondition as explain.proto says. Without a
// host: no host has the guest.
absl::StatusOr<Question> Understand(const v1::ExplainRequest& request,
                                    const Inventory& inventory,
                                    const ExplainSources& sources) {
  Question question;
  ExplainFacts& facts = question.facts;
  facts.renderings = sources.renderings;
  ASSIGN_OR_RETURN(question.path, ParseAttributePath(request.path()));
  if (request.has_guest_uuid()) {
    ASSIGN_OR_RETURN(const GuestId id, ParseGuestId(request.guest_uuid()));
    facts.guest = id.uuid;
  } else {
    facts.guest = request.guest_name();
  }
  if (!facts.guest.empty()) facts.places = PlacesOf(facts.guest, inventory);
  facts.host.node = request.node();
  if (facts.host.node.empty()) {
    if (facts.guest.empty()) {
      return absl::InvalidArgumentError("node: empty; name a node, or a guest");
    }
    if (facts.places.size() > 1) {
      return absl::FailedPreconditionError(absl::StrCat(
          "guest ", facts.guest, ": ", facts.places.size(),
          " guests have this name (",
          absl::StrJoin(facts.places, ", ",
                        [](std::string* out, const GuestLocation& place) {
                          absl::StrAppend(out, place.guest->uuid(), " on ",
                                          place.record->node());
                        }),
          "); ask by UUID, or name the node"));
    }
    if (!facts.places.empty()) {
      facts.host.node = facts.places.front().record->node();
    }
  }
  if (question.path.empty() && !facts.guest.empty()) {
    const v1::Guest* guest =
        facts.places.empty() ? nullptr : facts.places.front().guest;
    question.path =
        PathOfGuest(guest == nullptr ? request.guest_uuid() : guest->uuid(),
                    guest == nullptr ? request.guest_name() : guest->name(),
                    sources.renderings);
  }
  return question;
}

v1::ExplainResponse NoSuchGuest(const Question& question, Revision revision) {
  v1::ExplainResponse response;
  response.set_revision(revision);
  v1::Explanation& explanation = *response.mutable_explanation();
  explanation.set_verdict(v1::EXPLAIN_VERDICT_NOTHING);
  v1::ExplainReason& reason = *explanation.add_reasons();
  reason.set_type(v1::EXPLAIN_REASON_TYPE_GUEST_UNKNOWN);
  reason.set_message(absl::StrCat("no host has a guest ", question.facts.guest,
                                  "; one that cannot be reached may have it "
                                  "since it was last seen"));
  explanation.set_summary(reason.message());
  return response;
}

class ExplainService final : public v1::Explanations::CallbackService {
 public:
  ExplainService(const Inventory& inventory, ExplainSources sources)
      : inventory_(inventory), sources_(std::move(sources)) {}

  grpc::ServerUnaryReactor* Explain(grpc::CallbackServerContext*,
                                    const v1::ExplainRequest* request,
                                    v1::ExplainResponse* response) override {
    auto call = LateAnswer<v1::ExplainResponse>::Open(response);
    grpc::ServerUnaryReactor* const reactor = call.get();
    absl::StatusOr<Question> question =
        Understand(*request, inventory_, sources_);
    if (!question.ok()) {
      call->Answer(question.status());
    } else if (question->facts.host.node.empty()) {
      call->Answer(NoSuchGuest(*question, inventory_.revision()));
    } else {
      const HostId host = question->facts.host;
      sources_.read(
          host, [this, call = std::move(call), question = *std::move(question)](
                    absl::StatusOr<std::string> document) mutable {
            call->Answer(AnswerTo(std::move(question), std::move(document)));
          });
    }
    return reactor;
  }

 private:
  v1::ExplainResponse AnswerTo(Question question,
                               absl::StatusOr<std::string> document) const {
    ExplainFacts& facts = question.facts;
    v1::ExplainResponse response;
    response.set_revision(inventory_.revision());
    facts.document = std::move(document);
    facts.record = inventory_.Find(facts.host);
    facts.sync = sources_.status(facts.host);
    if (const v1::SweepStatus sweep = sources_.sweep(); sweep.has_next_at()) {
      facts.next_check_at = FromProto(sweep.next_at());
    }
    const chef::NodePath path = Joined(question.path, facts);
    if (facts.guest.empty()) {
      facts.guest = GuestOfPath(path, facts.renderings);
      if (!facts.guest.empty()) {
        facts.places = PlacesOf(facts.guest, inventory_);
      }
    }
    *response.mutable_explanation() = ExplainAttribute(path, facts);
    return response;
  }

  const Inventory& inventory_;
  const ExplainSources sources_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeExplainService(const Inventory& inventory,
                                                  ExplainSources sources) {
  return std::make_unique<ExplainService>(inventory, std::move(sources));
}

}  // namespace rehai
