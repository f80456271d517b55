// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/guest_key.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "base/ip_address.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "controller/api/uuid.h"
#include "controller/query/values.h"

namespace rehai {
namespace {

constexpr size_t kMostPlaces = 10;
constexpr size_t kExcerptBytes = 64;

std::string Places(const std::vector<GuestLocation>& locations) {
  const size_t shown = std::min(locations.size(), kMostPlaces);
  return absl::StrCat(
      absl::StrJoin(locations.begin(), locations.begin() + shown, ", ",
                    [](std::string* out, const GuestLocation& location) {
                      absl::StrAppend(out, location.guest->uuid(), " on ",
                                      location.record->node());
                    }),
      shown < locations.size() ? ", ..." : "");
}

// The one of these, which are all of this `kind` of key.
absl::StatusOr<GuestLocation> Only(std::vector<GuestLocation> locations,
                                   absl::string_view kind,
                                   absl::string_view key) {
  const std::string guest =
      absl::StrCat("guest ", Excerpt(key, kExcerptBytes), ": ");
  if (locations.empty()) {
    return absl::NotFoundError(
        absl::StrCat(guest, "no host has a guest of this ", kind));
  }
  if (locations.size() > 1) {
    return absl::FailedPreconditionError(
        absl::StrCat(guest, locations.size(), " guests have this ", kind, " (",
                     Places(locations), "); ask by UUID"));
  }
  return std::move(locations.front());
}

}  // namespace

absl::StatusOr<GuestLocation> FindByKey(const v1::GetGuestRequest& request,
                                        const Inventory& inventory) {
  switch (request.key_case()) {
    case v1::GetGuestRequest::kUuid: {
      ASSIGN_OR_RETURN(const GuestId id,
                       ParseGuestId(query::CanonicalUuid(request.uuid())));
      std::optional<GuestLocation> location = inventory.FindGuest(id);
      if (location.has_value()) return *std::move(location);
      return Only({}, "UUID", id.uuid);
    }
    case v1::GetGuestRequest::kName:
      if (request.name().empty()) break;
      return Only(inventory.FindGuestsByName(request.name()), "name",
                  request.name());
    case v1::GetGuestRequest::kMac:
      if (request.mac().empty()) break;
      return Only(inventory.FindGuestsByMac(query::CanonicalMac(request.mac())),
                  "MAC address", request.mac());
    case v1::GetGuestRequest::kIp: {
      const std::optional<IpAddress> address = ParseIpAddress(request.ip());
      if (!address.has_value()) {
        return absl::InvalidArgumentError(
            absl::StrCat("ip: \"", Excerpt(request.ip(), kExcerptBytes),
                         "\" is not an IP address; write it as 10.0.0.7 or "
                         "fe80::1"));
      }
      return Only(inventory.FindGuestsByAddress(*address), "IP address",
                  request.ip());
    }
    case v1::GetGuestRequest::KEY_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError(
      "key: empty; give a uuid, a name, a mac or an ip");
}

}  // namespace rehai
