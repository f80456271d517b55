// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_DISCOVERY_URI_TEMPLATE_H_
#define CONTROLLER_DISCOVERY_URI_TEMPLATE_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rehai {

// How a host's URI is made of its node's attributes:
//
//   qemu+ssh://rehai@{cloud.local_ipv4|fqdn}/system
//
// In braces the path of an attribute, or several of which the first that the
// node has is taken. A value. Copies are independent.
class UriTemplate {
 public:
  // kInvalidArgument: the text is no template; the message says where and why.
  static absl::StatusOr<UriTemplate> Parse(absl::string_view text);

  // The paths of all attributes that it names: "cloud.local_ipv4".
  std::set<std::string> attributes() const;

  // The URI for these values, by their paths; an empty value is none.
  // kFailedPrecondition if none of those in a pair of braces is there;
  // kInvalidArgument if a value is no host name, IP address or plain word, so
  // that it might mean something else in a URI. An IPv6 address gets its
  // brackets. The message does not name the node.
  absl::StatusOr<std::string> Expand(
      const std::map<std::string, std::string>& values) const;

 private:
  struct Part {
    // As it is, and then the first of these, if there are any.
    std::string literal;
    std::vector<std::string> alternatives = {};
  };

  explicit UriTemplate(std::vector<Part> parts);

  std::vector<Part> parts_;
};

// "cloud.local_ipv4" as keys from the attributes' top. kInvalidArgument if it,
// or a part of it, is empty or has spaces around it.
absl::StatusOr<std::vector<std::string>> ParseAttributePath(
    absl::string_view text);

}  // namespace rehai

#endif  // CONTROLLER_DISCOVERY_URI_TEMPLATE_H_
