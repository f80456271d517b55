// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/history_service.h"

#include <grpcpp/server_context.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "controller/api/late_answer.h"
#include "controller/api/page_token.h"
#include "controller/api/uuid.h"
#include "controller/history/differences.h"
#include "rehai/v1/history.grpc.pb.h"

namespace rehai {
namespace {

// What must be the same from page to page.
template <typename Request>
Request QuestionOf(Request request) {
  request.clear_page_size();
  request.clear_page_token();
  return request;
}

absl::StatusOr<absl::Time> Required(bool is_set,
                                    const google::protobuf::Timestamp& time,
                                    const char* field) {
  if (!is_set) {
    return absl::InvalidArgumentError(
        absl::StrCat(field, ": missing; say which moment is meant"));
  }
  return FromProto(time);
}

// As the records have it.
absl::StatusOr<std::string> OptionalUuid(const std::string& text) {
  if (text.empty()) return "";
  ASSIGN_OR_RETURN(GuestId guest, ParseGuestId(text));
  return std::move(guest.uuid);
}

// A guest's place in a list that is in the order of (uuid, node). Node names
// have no spaces, and UUIDs are all of one length.
std::string PlaceKey(const std::string& uuid, const std::string& node) {
  return absl::StrCat(uuid, " ", node);
}

template <typename Response>
void SetCompleteSince(absl::Time since, Response& response) {
  if (since == absl::InfiniteFuture()) return;
  *response.mutable_complete_since() = ToProto(since);
}

absl::StatusOr<EventQuery> ReadQuery(const v1::ListEventsRequest& request) {
  EventQuery query;
  query.node = request.node();
  ASSIGN_OR_RETURN(query.guest_uuid, OptionalUuid(request.guest_uuid()));
  query.guest_name = request.guest_name();
  for (const int kind : request.kinds()) {
    if (kind == v1::EVENT_KIND_UNSPECIFIED || !v1::EventKind_IsValid(kind)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "kinds: ", kind, " is none; leave it empty for all kinds"));
    }
    query.kinds.push_back(static_cast<v1::EventKind>(kind));
  }
  if (request.has_from()) query.from = FromProto(request.from());
  if (request.has_until()) query.until = FromProto(request.until());
  if (query.from >= query.until) {
    return absl::InvalidArgumentError("until: is not after from");
  }
  query.oldest_first = request.oldest_first();
  ASSIGN_OR_RETURN(query.limit, ReadPageSize(request.page_size()));
  ASSIGN_OR_RETURN(const std::string key,
                   ReadPageToken(request.page_token(), QuestionOf(request)));
  if (!key.empty() && !absl::SimpleAtoi(key, &query.after)) {
    return absl::InvalidArgumentError("page_token: damaged");
  }
  return query;
}

absl::StatusOr<AsOfQuery> ReadQuery(const v1::ListGuestsAsOfRequest& request) {
  AsOfQuery query;
  ASSIGN_OR_RETURN(query.at, Required(request.has_at(), request.at(), "at"));
  query.node = request.node();
  ASSIGN_OR_RETURN(query.guest_uuid, OptionalUuid(request.guest_uuid()));
  query.guest_name = request.guest_name();
  ASSIGN_OR_RETURN(query.limit, ReadPageSize(request.page_size()));
  ASSIGN_OR_RETURN(const std::string key,
                   ReadPageToken(request.page_token(), QuestionOf(request)));
  const size_t space = key.find(' ');
  query.after_guest = key.substr(0, space);
  if (space != std::string::npos) query.after_node = key.substr(space + 1);
  return query;
}

absl::StatusOr<AsOfQuery> ReadQuery(const v1::ListHostsAsOfRequest& request) {
  AsOfQuery query{.whose = AsOfQuery::kHosts};
  ASSIGN_OR_RETURN(query.at, Required(request.has_at(), request.at(), "at"));
  query.node = request.node();
  ASSIGN_OR_RETURN(query.limit, ReadPageSize(request.page_size()));
  ASSIGN_OR_RETURN(query.after_node,
                   ReadPageToken(request.page_token(), QuestionOf(request)));
  return query;
}

absl::StatusOr<TwoTimesQuery> ReadQuery(const v1::HistoryDiffRequest& request) {
  TwoTimesQuery query;
  ASSIGN_OR_RETURN(query.from,
                   Required(request.has_from(), request.from(), "from"));
  ASSIGN_OR_RETURN(query.to, Required(request.has_to(), request.to(), "to"));
  if (query.from >= query.to) {
    return absl::InvalidArgumentError("to: is not after from");
  }
  ASSIGN_OR_RETURN(query.limit, ReadPageSize(request.page_size()));
  ASSIGN_OR_RETURN(query.after_guest,
                   ReadPageToken(request.page_token(), QuestionOf(request)));
  return query;
}

v1::ListEventsResponse Answer(const v1::ListEventsRequest& request,
                              EventPage page) {
  v1::ListEventsResponse response;
  SetCompleteSince(page.complete_since, response);
  if (page.more) {
    response.set_next_page_token(MakePageToken(
        absl::StrCat(page.events.back().sequence()), QuestionOf(request)));
  }
  for (v1::HistoryEvent& event : page.events) {
    *response.add_events() = std::move(event);
  }
  return response;
}

v1::ListGuestsAsOfResponse Answer(const v1::ListGuestsAsOfRequest& request,
                                  EventPage page) {
  v1::ListGuestsAsOfResponse response;
  SetCompleteSince(page.complete_since, response);
  if (page.more) {
    const v1::HistoryEvent& last = page.events.back();
    response.set_next_page_token(MakePageToken(
        PlaceKey(last.guest_uuid(), last.node()), QuestionOf(request)));
  }
  for (v1::HistoryEvent& event : page.events) {
    v1::GuestAsOf& guest = *response.add_guests();
    guest.set_node(event.node());
    guest.set_missing(event.missing());
    *guest.mutable_guest() = std::move(*event.mutable_guest());
    event.clear_guest();
    *guest.mutable_since() = std::move(event);
  }
  return response;
}

v1::ListHostsAsOfResponse Answer(const v1::ListHostsAsOfRequest& request,
                                 EventPage page) {
  v1::ListHostsAsOfResponse response;
  SetCompleteSince(page.complete_since, response);
  if (page.more) {
    response.set_next_page_token(
        MakePageToken(page.events.back().node(), QuestionOf(request)));
  }
  for (v1::HistoryEvent& event : page.events) {
    v1::HostAsOf& host = *response.add_hosts();
    host.set_node(event.node());
    *host.mutable_host() = std::move(*event.mutable_host());
    event.clear_host();
    *host.mutable_since() = std::move(event);
  }
  return response;
}

bool WasOn(const std::string& node, const v1::GuestDifference& difference) {
  return node.empty() || difference.before().node() == node ||
         difference.after().node() == node;
}

v1::HistoryDiffResponse Answer(const v1::HistoryDiffRequest& request,
                               TwoTimesPage page) {
  v1::HistoryDiffResponse response;
  SetCompleteSince(page.complete_since, response);
  if (page.more) {
    response.set_next_page_token(
        MakePageToken(page.guests.back().uuid, QuestionOf(request)));
  }
  for (const GuestAtTwoTimes& guest : page.guests) {
    std::optional<v1::GuestDifference> difference =
        DifferenceOf(guest.uuid, guest.before, guest.after);
    if (difference.has_value() && WasOn(request.node(), *difference)) {
      *response.add_differences() = *std::move(difference);
    }
  }
  return response;
}

class HistoryService final : public v1::History::CallbackService {
 public:
  explicit HistoryService(Past& past) : past_(past) {}

  grpc::ServerUnaryReactor* ListEvents(
      grpc::CallbackServerContext*, const v1::ListEventsRequest* request,
      v1::ListEventsResponse* response) override {
    return Ask(*request, response, &Past::ListEvents);
  }

  grpc::ServerUnaryReactor* ListGuestsAsOf(
      grpc::CallbackServerContext*, const v1::ListGuestsAsOfRequest* request,
      v1::ListGuestsAsOfResponse* response) override {
    return Ask(*request, response, &Past::ListAsOf);
  }

  grpc::ServerUnaryReactor* ListHostsAsOf(
      grpc::CallbackServerContext*, const v1::ListHostsAsOfRequest* request,
      v1::ListHostsAsOfResponse* response) override {
    return Ask(*request, response, &Past::ListAsOf);
  }

  grpc::ServerUnaryReactor* Diff(grpc::CallbackServerContext*,
                                 const v1::HistoryDiffRequest* request,
                                 v1::HistoryDiffResponse* response) override {
    return Ask(*request, response, &Past::ListAtTwoTimes);
  }

 private:
  // The request is gone once the call has ended, which its client may do at any
  // time; so the answer is made with a copy.
  template <typename Request, typename Response, typename Query, typename Page>
  grpc::ServerUnaryReactor* Ask(const Request& request, Response* response,
                                void (Past::*list)(Query, Past::Done<Page>)) {
    auto call = LateAnswer<Response>::Open(response);
    grpc::ServerUnaryReactor* const reactor = call.get();
    absl::StatusOr<Query> query = ReadQuery(request);
    if (!query.ok()) {
      call->Answer(query.status());
      return reactor;
    }
    (past_.*list)(*std::move(query),
                  [call = std::move(call), request](absl::StatusOr<Page> page) {
                    if (page.ok()) {
                      call->Answer(Answer(request, *std::move(page)));
                    } else {
                      call->Answer(page.status());
                    }
                  });
    return reactor;
  }

  Past& past_;  // set at construction
};

}  // namespace

std::unique_ptr<grpc::Service> MakeHistoryService(Past& past) {
  return std::make_unique<HistoryService>(past);
}

}  // namespace rehai
