// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/visible_guest.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "controller/api/fleet_views.h"
#include "controller/api/named_hosts.h"
#include "controller/api/uuid.h"
#include "controller/inventory/record.h"

namespace rehai {
namespace {

constexpr int kUsualReceipts = 16;

// "VISIBILITY_LEVEL_WRITTEN" as people say it: "written".
std::string Word(const std::string& name, absl::string_view prefix) {
  absl::string_view rest = name;
  absl::ConsumePrefix(&rest, prefix);
  std::string word = absl::AsciiStrToLower(rest);
  std::replace(word.begin(), word.end(), '_', ' ');
  return word;
}

std::string Word(v1::VisibilityLevel level) {
  return Word(v1::VisibilityLevel_Name(level), "VISIBILITY_LEVEL_");
}

std::string Word(v1::GuestState state) {
  return Word(v1::GuestState_Name(state), "GUEST_STATE_");
}

std::string At(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", FromProto(time),
                          absl::UTCTimeZone());
}

std::string KeyText(const std::string& uuid, const std::string& name) {
  return absl::StrCat("guest ", uuid.empty() ? name : uuid);
}

// How the guest is called, and where it is.
std::string Place(const v1::WaitVisibleRequest& request, const HostId& host) {
  return absl::StrCat(KeyText(request.guest_uuid(), request.guest_name()),
                      " on ", host.node);
}

v1::VisibilityLevel LevelOf(const v1::WaitVisibleRequest& request) {
  return request.level() == v1::VISIBILITY_LEVEL_UNSPECIFIED
             ? v1::VISIBILITY_LEVEL_VERIFIED
             : request.level();
}

// True if the guest is as it was wanted.
bool IsAsWanted(const v1::WaitVisibleRequest& request,
                const Receipts::Standing& standing) {
  if (standing.is_missing) return false;
  const auto& states = request.states();
  return states.empty() || std::find(states.begin(), states.end(),
                                     standing.guest->state()) != states.end();
}

std::string WantedStates(const v1::WaitVisibleRequest& request) {
  return absl::StrJoin(
      request.states(), " or ", [](std::string* out, int state) {
        absl::StrAppend(out, Word(static_cast<v1::GuestState>(state)));
      });
}

absl::Status Ambiguous(const std::string& name,
                       const std::vector<GuestLocation>& places) {
  return absl::FailedPreconditionError(absl::StrCat(
      "guest ", name, ": ", places.size(), " guests have this name (",
      absl::StrJoin(places, ", ",
                    [](std::string* out, const GuestLocation& place) {
                      absl::StrAppend(out, place.guest->uuid(), " on ",
                                      place.record->node());
                    }),
      "); ask by UUID, or name the node"));
}

}  // namespace

absl::Status CheckWait(const v1::WaitVisibleRequest& request) {
  if (request.has_guest_uuid()) {
    RETURN_IF_ERROR(ParseGuestId(request.guest_uuid()).status());
  } else if (request.guest_name().empty()) {
    return absl::InvalidArgumentError(
        "guest: empty; give a guest_uuid or a guest_name");
  }
  if (request.absent() && !request.states().empty()) {
    return absl::InvalidArgumentError(
        "states: a guest that is gone has none; leave them out, or absent");
  }
  if (!v1::VisibilityLevel_IsValid(request.level())) {
    return absl::InvalidArgumentError(
        absl::StrCat("level: ", request.level(), " is none"));
  }
  for (const int state : request.states()) {
    if (v1::GuestState_IsValid(state)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("states: ", state, " is none"));
  }
  if (request.has_timeout() &&
      FromProto(request.timeout()) <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("timeout: must be above zero");
  }
  return absl::OkStatus();
}

absl::StatusOr<VisibleGuests::Found> VisibleGuests::Find(
    const std::string& uuid, const std::string& name,
    const std::string& node) const {
  const GuestId id{absl::AsciiStrToLower(uuid)};
  if (!node.empty()) {
    std::optional<Receipts::Standing> there =
        uuid.empty() ? receipts_.FindOn(HostId{node}, name)
                     : receipts_.FindOn(HostId{node}, id);
    if (there.has_value()) {
      return Found{.standing = std::move(there), .is_there = true};
    }
  } else {
    std::optional<GuestLocation> place;
    if (!uuid.empty()) {
      place = inventory_.FindGuest(id);
    } else {
      const std::vector<GuestLocation> places =
          inventory_.FindGuestsByName(name);
      if (places.size() > 1) return Ambiguous(name, places);
      if (!places.empty()) place = places.front();
    }
    if (place.has_value()) {
      // The receipts may not have heard of it yet: then it is as if it was not
      // there, and they will tell when they have.
      return Found{.standing = receipts_.FindOn(HostId{place->record->node()},
                                                GuestId{place->guest->uuid()}),
                   .is_there = true};
    }
  }
  std::optional<Receipts::Standing> gone =
      uuid.empty() ? receipts_.FindGone(name) : receipts_.FindGone(id);
  const bool is_elsewhere =
      gone.has_value() && !node.empty() && gone->host.node != node;
  return is_elsewhere ? Found() : Found{.standing = std::move(gone)};
}

VisibleLook VisibleGuests::Look(const v1::WaitVisibleRequest& request) const {
  VisibleLook look;
  const std::string key = KeyText(request.guest_uuid(), request.guest_name());
  if (!request.node().empty()) {
    if (absl::Status known = FindNamed(request.node(), inventory_).status();
        !known.ok()) {
      look.end = std::move(known);
      return look;
    }
  }
  absl::StatusOr<Found> found =
      Find(request.guest_uuid(), request.guest_name(), request.node());
  if (!found.ok()) {
    look.end = found.status();
    return look;
  }
  const std::optional<Receipts::Standing>& standing = found->standing;
  if (!request.absent()) {
    if (!found->is_there || !standing.has_value()) {
      look.standing = absl::StrCat(
          key,
          request.node().empty()
              ? ": no host has it yet"
              : absl::StrCat(": it is not on ", request.node(), " yet"),
          HostTrouble(request.node()));
      return look;
    }
    if (!IsAsWanted(request, *standing)) {
      look.standing = absl::StrCat(
          Place(request, standing->host), " is ",
          standing->is_missing ? "not in its host's last list, and held"
                               : Word(standing->guest->state()),
          request.states().empty()
              ? ""
              : absl::StrCat("; wanted is ", WantedStates(request)),
          HostTrouble(standing->host.node));
      return look;
    }
    return LookAt(request, *standing);
  }
  if (found->is_there) {
    look.standing = absl::StrCat(
        key, " is still ",
        standing.has_value() ? absl::StrCat("on ", standing->host.node)
                             : "there",
        standing.has_value() && standing->is_missing
            ? "; its host's last list lacked it, so it is on its way or held "
              "by the brake (rehaictl hosts tells)"
            : "",
        standing.has_value() ? HostTrouble(standing->host.node) : "");
    return look;
  }
  if (standing.has_value()) return LookAt(request, *standing);
  if (request.node().empty()) {
    look.end = absl::NotFoundError(absl::StrCat(
        key,
        ": not seen on any host of late, so it is not known which node to look "
        "at; name the node"));
    return look;
  }
  // What the node should hold now lacks it.
  const HostId host{request.node()};
  return LookAt(request, {.host = host, .revision = receipts_.NewestOf(host)});
}

VisibleLook VisibleGuests::LookAt(const v1::WaitVisibleRequest& request,
                                  const Receipts::Standing& standing) const {
  VisibleLook look;
  const v1::VisibilityLevel wanted = LevelOf(request);
  std::optional<v1::Receipt> receipt =
      receipts_.Find(standing.host, standing.revision);
  if (!receipt.has_value()) {
    // The host has left the fleet with all its guests; its node is nobody's to
    // change any more.
    look.end = absl::NotFoundError(absl::StrCat(
        "host ", standing.host.node,
        ": left the fleet, so what its node holds is not looked at"));
    return look;
  }
  if (receipt->level() < wanted) {
    look.lacks_search = wanted == v1::VISIBILITY_LEVEL_SEARCHABLE &&
                        receipt->level() == v1::VISIBILITY_LEVEL_VERIFIED;
    look.standing = absl::StrCat(
        Place(request, standing.host), ": revision ", standing.revision, " is ",
        Word(receipt->level()), ", not ", Word(wanted), " yet",
        WhyNotVisible(standing.host, receipt->level()));
    return look;
  }
  v1::WaitVisibleResponse response;
  response.set_revision(inventory_.revision());
  *response.mutable_receipt() = *std::move(receipt);
  if (standing.guest != nullptr) {
    *response.mutable_guest() =
        MakeLocatedGuest(*standing.record, *standing.guest);
  }
  look.end = std::move(response);
  return look;
}

std::string VisibleGuests::WhyNotVisible(const HostId& host,
                                         v1::VisibilityLevel level) const {
  if (level == v1::VISIBILITY_LEVEL_VERIFIED) {
    const v1::SweepStatus sweep = chef_.sweep();
    if (sweep.method() == v1::SWEEP_METHOD_SEARCH) {
      return "; no search has shown it, so the server's index lags";
    }
    return absl::StrCat("; no searches are made: ",
                        sweep.method() == v1::SWEEP_METHOD_OFF
                            ? "sync.sweep_interval is zero"
                            : sweep.search_error());
  }
  const v1::SyncStatus status = chef_.status(host);
  std::string why =
      absl::StrCat("; the write is ",
                   Word(v1::SyncState_Name(status.state()), "SYNC_STATE_"));
  if (status.has_next_try_at()) {
    absl::StrAppend(&why, ", next try at ", At(status.next_try_at()));
  }
  if (!status.last_error().empty()) {
    absl::StrAppend(&why, ": ", status.last_error());
  }
  return absl::StrCat(why, HostTrouble(host.node));
}

std::string VisibleGuests::HostTrouble(const std::string& node) const {
  if (node.empty()) return "";
  const RecordPtr record = inventory_.Find(HostId{node});
  if (record == nullptr) return "";
  switch (record->presence()) {
    case v1::PRESENCE_NEVER_SEEN:
      return absl::StrCat("; host ", node, " was never read");
    case v1::PRESENCE_STALE:
    case v1::PRESENCE_UNKNOWN:
      return absl::StrCat("; host ", node, " cannot be reached, last seen at ",
                          At(record->confirmed_at()));
    default:
      return "";
  }
}

absl::StatusOr<v1::GetReceiptsResponse> VisibleGuests::GetReceipts(
    const v1::GetReceiptsRequest& request) const {
  constexpr int kMost = static_cast<int>(Receipts::kChangesPerHost);
  if (request.max_receipts() < 0 || request.max_receipts() > kMost) {
    return absl::InvalidArgumentError(absl::StrCat(
        "max_receipts: ", request.max_receipts(), " is out of range; 1 to ",
        kMost, ", or 0 for ", kUsualReceipts));
  }
  v1::GetReceiptsResponse response;
  response.set_revision(inventory_.revision());
  HostId host;
  if (request.has_guest_uuid() || request.has_guest_name()) {
    if (request.has_guest_uuid()) {
      RETURN_IF_ERROR(ParseGuestId(request.guest_uuid()).status());
    } else if (request.guest_name().empty()) {
      return absl::InvalidArgumentError("guest_name: empty");
    }
    ASSIGN_OR_RETURN(const Found found,
                     Find(request.guest_uuid(), request.guest_name(), ""));
    std::optional<v1::Receipt> receipt;
    if (found.standing.has_value()) {
      host = found.standing->host;
      receipt = receipts_.Find(host, found.standing->revision);
    }
    if (!receipt.has_value()) {
      return absl::NotFoundError(
          absl::StrCat(KeyText(request.guest_uuid(), request.guest_name()),
                       ": not seen on any host of late"));
    }
    *response.add_receipts() = *std::move(receipt);
  } else {
    ASSIGN_OR_RETURN(const RecordPtr record,
                     FindNamed(request.node(), inventory_));
    host = HostId{record->node()};
    const int most =
        request.max_receipts() == 0 ? kUsualReceipts : request.max_receipts();
    for (v1::Receipt& receipt :
         receipts_.Last(host, static_cast<size_t>(most))) {
      *response.add_receipts() = std::move(receipt);
    }
  }
  for (v1::Reached& reached : receipts_.ReachedBy(host)) {
    *response.add_reached() = std::move(reached);
  }
  *response.mutable_sync() = chef_.status(host);
  return response;
}

}  // namespace rehai
