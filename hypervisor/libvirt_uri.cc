// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "hypervisor/libvirt_uri.h"

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

namespace rehai::hypervisor {
namespace {

bool HasParameter(absl::string_view query, absl::string_view name) {
  for (const absl::string_view pair :
       absl::StrSplit(query, absl::ByAnyChar("&;"))) {
    const absl::string_view key = pair.substr(0, pair.find('='));
    if (absl::EqualsIgnoreCase(key, name)) return true;
  }
  return false;
}

// As a parameter's value. A path stays readable.
std::string Escaped(absl::string_view value) {
  std::string escaped;
  for (const char c : value) {
    if (absl::ascii_isalnum(c) || absl::StrContains("/-._~", c)) {
      escaped.push_back(c);
    } else {
      absl::StrAppendFormat(&escaped, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

}  // namespace

std::string WithoutPrompts(absl::string_view uri,
                           absl::string_view ssh_command) {
  const absl::string_view scheme = uri.substr(0, uri.find(':'));
  if (!absl::EndsWith(absl::AsciiStrToLower(scheme), "+ssh")) {
    return std::string(uri);
  }
  const std::pair<absl::string_view, absl::string_view> whole_and_fragment =
      absl::StrSplit(uri, absl::MaxSplits('#', 1));
  const absl::string_view whole = whole_and_fragment.first;
  const size_t mark = whole.find('?');
  const absl::string_view query =
      mark == absl::string_view::npos ? "" : whole.substr(mark + 1);
  if (HasParameter(query, "command")) return std::string(uri);
  std::string parameter;
  if (!ssh_command.empty()) {
    parameter = absl::StrCat("command=", Escaped(ssh_command));
  } else if (!HasParameter(query, "no_tty")) {
    parameter = "no_tty=1";
  } else {
    return std::string(uri);
  }
  const absl::string_view joint = mark == absl::string_view::npos ? "?"
                                  : query.empty()                 ? ""
                                                                  : "&";
  return absl::StrCat(whole, joint, parameter, uri.substr(whole.size()));
}

std::string LocalUri(absl::string_view uri) {
  constexpr absl::string_view kSlashes = "://";
  const size_t slashes = uri.find(kSlashes);
  if (slashes == absl::string_view::npos) return std::string(uri);
  const absl::string_view scheme = uri.substr(0, slashes);
  const absl::string_view driver = scheme.substr(0, scheme.find('+'));
  for (const absl::string_view daemonless : {"esx", "gsx", "vpx", "hyperv"}) {
    if (absl::EqualsIgnoreCase(driver, daemonless)) return std::string(uri);
  }
  absl::string_view rest = uri.substr(slashes + kSlashes.size());
  rest = rest.substr(0, rest.find_first_of("?#"));
  const size_t path = rest.find('/');
  return absl::StrCat(driver, kSlashes,
                      path == absl::string_view::npos ? "" : rest.substr(path));
}

}  // namespace rehai::hypervisor
