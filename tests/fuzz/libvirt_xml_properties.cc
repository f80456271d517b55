// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <google/protobuf/util/message_differencer.h>

#include <string>

#include "absl/status/statusor.h"
#include "hypervisor/domain_xml.h"
#include "rehai/v1/model.pb.h"
#include "tests/fuzz/property.h"

namespace rehai {
namespace {

template <typename T>
std::string BrokenRefusal(const absl::StatusOr<T>& result) {
  if (result.ok()) return "";
  if (result.status().code() != absl::StatusCode::kInvalidArgument) {
    return "an error of another code";
  }
  return BrokenError(result.status());
}

std::string BrokenGuest(const v1::Guest& guest) {
  if (guest.uuid().empty() || guest.name().empty()) {
    return "a guest without a UUID or a name";
  }
  // Protobuf refuses to read what is not UTF-8.
  v1::Guest received;
  if (!received.ParseFromString(guest.SerializeAsString())) {
    return "a guest that cannot be sent";
  }
  return google::protobuf::util::MessageDifferencer::Equals(guest, received)
             ? ""
             : "another guest when received";
}

}  // namespace

// The input is XML of libvirt's: a domain, a network, capabilities.
//   - What is none is refused, in words.
//   - A guest has a UUID and a name, and arrives as it was sent.
//   - A bridge's name and a host's UUID can be sent.
std::string BrokenProperty(absl::string_view input) {
  const auto guest = hypervisor::ParseDomainXml(input);
  if (std::string broken = BrokenRefusal(guest); !broken.empty()) return broken;
  if (guest.ok()) {
    if (std::string broken = BrokenGuest(*guest); !broken.empty()) {
      return broken;
    }
  }
  const auto network = hypervisor::ParseNetworkXml(input);
  if (std::string broken = BrokenRefusal(network); !broken.empty()) {
    return broken;
  }
  if (network.ok() && !CanBeSent(network->bridge)) {
    return "a bridge that cannot be sent";
  }
  const auto uuid = hypervisor::HostUuidOfCapabilities(input);
  if (std::string broken = BrokenRefusal(uuid); !broken.empty()) return broken;
  return uuid.ok() && !CanBeSent(*uuid) ? "a host's UUID that cannot be sent"
                                        : "";
}

}  // namespace rehai
