// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/discovery/uri_template.h"

#include <arpa/inet.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"

namespace rehai {
namespace {

absl::Status BadTemplate(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", text, "\" ", why,
      "; write it like qemu+ssh://root@{fqdn}/system or {ipaddress|fqdn}"));
}

// Nothing here can end a part of a URI and begin another.
bool IsSafe(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' ||
         c == '-' || c == ':' || c == '_';
}

bool IsIpv6(const std::string& text) {
  in6_addr address;
  // A zero byte ends it for inet_pton(), and not for who reads the URI.
  return !absl::StrContains(text, '\0') &&
         inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

// "22" of "host:22".
bool IsPort(absl::string_view text) {
  int port = 0;
  return std::all_of(text.begin(), text.end(), absl::ascii_isdigit) &&
         absl::SimpleAtoi(text, &port) && port >= 1 && port <= 65535;
}

// "[2001:db8::1]", with a port behind it or without.
bool IsBracketed(absl::string_view value) {
  const size_t close = value.find(']');
  if (close == absl::string_view::npos) return false;
  const absl::string_view behind = value.substr(close + 1);
  return IsIpv6(std::string(value.substr(1, close - 1))) &&
         (behind.empty() || (behind[0] == ':' && IsPort(behind.substr(1))));
}

// `value` as it may stand in a URI.
absl::StatusOr<std::string> InUri(const std::string& attribute,
                                  const std::string& value) {
  const absl::Status refusal = absl::InvalidArgumentError(absl::StrCat(
      attribute, " is \"", absl::CEscape(value.substr(0, 64)),
      "\", which is neither a host name nor an address; correct it, or name "
      "another attribute in uri_template"));
  if (value[0] == '[') {
    if (!IsBracketed(value)) return refusal;
    return value;
  }
  // One that begins with a hyphen would be an option to ssh.
  if (value[0] == '-' || !std::all_of(value.begin(), value.end(), IsSafe)) {
    return refusal;
  }
  const auto colons = std::count(value.begin(), value.end(), ':');
  if (colons == 0) return value;
  if (IsIpv6(value)) return absl::StrCat("[", value, "]");
  const size_t colon = value.find(':');
  if (colons > 1 || colon == 0 || !IsPort(value.substr(colon + 1))) {
    return refusal;
  }
  return value;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ParseAttributePath(
    absl::string_view text) {
  std::vector<std::string> path = absl::StrSplit(text, '.');
  for (const std::string& key : path) {
    if (key.empty() || absl::StripAsciiWhitespace(key) != key) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", text,
                       "\" is not the path of an attribute; write it like "
                       "fqdn or cloud.local_ipv4"));
    }
  }
  return path;
}

UriTemplate::UriTemplate(std::vector<Part> parts) : parts_(std::move(parts)) {}

absl::StatusOr<UriTemplate> UriTemplate::Parse(absl::string_view text) {
  if (text.empty()) return BadTemplate(text, "is empty");
  std::vector<Part> parts;
  absl::string_view rest = text;
  while (!rest.empty()) {
    const size_t brace = std::min(rest.find_first_of("{}"), rest.size());
    Part part = {.literal = std::string(rest.substr(0, brace))};
    rest.remove_prefix(brace);
    if (!rest.empty()) {
      if (rest[0] == '}') return BadTemplate(text, "has a } without its {");
      rest.remove_prefix(1);
      const size_t close = rest.find_first_of("{}");
      if (close == absl::string_view::npos || rest[close] == '{') {
        return BadTemplate(text, "has a { without its }");
      }
      part.alternatives = absl::StrSplit(rest.substr(0, close), '|');
      for (const std::string& attribute : part.alternatives) {
        if (auto path = ParseAttributePath(attribute); !path.ok()) {
          return BadTemplate(text, absl::StrCat("has {", rest.substr(0, close),
                                                "}, where \"", attribute,
                                                "\" is not the path of an "
                                                "attribute"));
        }
      }
      rest.remove_prefix(close + 1);
    }
    parts.push_back(std::move(part));
  }
  UriTemplate parsed(std::move(parts));
  if (parsed.attributes().empty()) {
    return BadTemplate(text,
                       "names no attribute: every host would be the same");
  }
  if (!absl::StrContains(parsed.parts_[0].literal, ":")) {
    return BadTemplate(text, "does not begin like a libvirt URI");
  }
  return parsed;
}

std::set<std::string> UriTemplate::attributes() const {
  std::set<std::string> names;
  for (const Part& part : parts_) {
    names.insert(part.alternatives.begin(), part.alternatives.end());
  }
  return names;
}

absl::StatusOr<std::string> UriTemplate::Expand(
    const std::map<std::string, std::string>& values) const {
  std::string uri;
  for (const Part& part : parts_) {
    uri += part.literal;
    if (part.alternatives.empty()) continue;
    const auto has = [&values](const std::string& attribute) {
      const auto value = values.find(attribute);
      return value != values.end() && !value->second.empty();
    };
    const auto first =
        std::find_if(part.alternatives.begin(), part.alternatives.end(), has);
    if (first == part.alternatives.end()) {
      return absl::FailedPreconditionError(absl::StrCat(
          "has no ", absl::StrJoin(part.alternatives, " and no "),
          "; name an attribute that it has in uri_template, or narrow query"));
    }
    ASSIGN_OR_RETURN(const std::string value, InUri(*first, values.at(*first)));
    uri += value;
  }
  return uri;
}

}  // namespace rehai
