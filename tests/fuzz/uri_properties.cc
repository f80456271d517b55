// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <cctype>
#include <map>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "chef/server_url.h"
#include "controller/discovery/uri_template.h"
#include "hypervisor/libvirt_uri.h"
#include "tests/fuzz/property.h"

namespace rehai {
namespace {

std::string BrokenLibvirtUri(absl::string_view uri) {
  for (const char* const command : {"", "/run/rehai/ssh"}) {
    const std::string quiet = hypervisor::WithoutPrompts(uri, command);
    if (hypervisor::WithoutPrompts(quiet, command) != quiet) {
      return "prompts are kept away twice";
    }
    if (quiet.size() < uri.size()) return "a part of a URI is lost";
  }
  const std::string local = hypervisor::LocalUri(uri);
  if (hypervisor::LocalUri(local) != local) return "a local URI is not local";
  if (local.size() > uri.size()) return "a local URI is longer";
  return "";
}

std::string BrokenServerUrl(absl::string_view text) {
  const auto url = chef::ParseServerUrl(text);
  if (!url.ok()) {
    // A password is not for people who read logs.
    const size_t password = text.find(":s3cret@");
    if (password != absl::string_view::npos &&
        !absl::StrContains(text.substr(password + 8), "s3cret") &&
        absl::StrContains(url.status().message(), "s3cret")) {
      return "an error tells a password";
    }
    return BrokenError(url.status());
  }
  const std::string canonical = url->ToString();
  const auto again = chef::ParseServerUrl(canonical);
  if (!again.ok()) {
    return absl::StrCat("refused in its own words: ", canonical);
  }
  if (again->origin != url->origin || again->prefix != url->prefix) {
    return absl::StrCat("another URL in its own words: ", canonical);
  }
  if (!url->prefix.empty() && !chef::IsPlainPath(url->prefix)) {
    return "a prefix that would have to be encoded";
  }
  return "";
}

// True if what stands for an attribute cannot end a part of a URI.
bool IsHarmless(absl::string_view value) {
  for (const char c : value) {
    if (!isalnum(static_cast<unsigned char>(c)) &&
        !absl::StrContains(".-:_[]", c)) {
      return false;
    }
  }
  return !absl::StartsWith(value, "-");
}

std::string BrokenTemplate(absl::string_view text, absl::string_view value) {
  const auto parsed = UriTemplate::Parse(text);
  if (!parsed.ok()) return "";  // it quotes what may be no UTF-8
  if (parsed->attributes().empty()) return "a template without an attribute";
  std::map<std::string, std::string> values;
  for (const std::string& attribute : parsed->attributes()) {
    if (!ParseAttributePath(attribute).ok()) return "no path of an attribute";
    values[attribute] = "hv1.example.com";
  }
  const auto plain = parsed->Expand(values);
  if (!plain.ok()) return "a host's name is refused";
  if (absl::StrContains(*plain, "{") || absl::StrContains(*plain, "}")) {
    return "braces are left";
  }
  // Any value, between marks.
  const auto probe = UriTemplate::Parse("x://<{a}>");
  if (!probe.ok()) return "the probe is no template";
  const auto expanded = probe->Expand({{"a", std::string(value)}});
  if (!expanded.ok()) return BrokenError(expanded.status());
  const absl::string_view inside =
      absl::string_view(*expanded).substr(5, expanded->size() - 6);
  return IsHarmless(inside) ? "" : "a value breaks out of its place";
}

}  // namespace

// The input is a URI, and from the first line break on a value of an attribute.
//   - libvirt: what is kept from asking is not kept twice; what is local stays
//     as it is.
//   - Chef server: what is taken, is taken as it is written down; no message
//     tells a password.
//   - Template: what is taken gives a URI for a host's name; no value can end
//     the part of the URI in which it stands.
std::string BrokenProperty(absl::string_view input) {
  absl::string_view rest = input;
  const absl::string_view uri = TakePart(rest, "\n");
  if (std::string broken = BrokenLibvirtUri(uri); !broken.empty()) {
    return broken;
  }
  if (std::string broken = BrokenServerUrl(uri); !broken.empty()) {
    return broken;
  }
  return BrokenTemplate(uri, rest);
}

}  // namespace rehai
