// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/display_uri.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace rehai {

std::string DisplayUri(absl::string_view uri) {
  constexpr absl::string_view kSlashes = "://";
  const size_t slashes = uri.find(kSlashes);
  if (slashes == absl::string_view::npos) {
    return std::string(uri.substr(0, uri.find_first_of("?#")));
  }
  const size_t authority_at = slashes + kSlashes.size();
  const absl::string_view scheme = uri.substr(0, authority_at);
  absl::string_view rest = uri.substr(authority_at);

  // The last @ of the authority: a careless password may hold one of these
  // characters unescaped, and must not be shown for it.
  absl::string_view user;
  if (const size_t at = rest.substr(0, rest.find('/')).rfind('@');
      at != absl::string_view::npos) {
    user = rest.substr(0, std::min(at, rest.find(':')));
    rest = rest.substr(at);
  }
  return absl::StrCat(scheme, user, rest.substr(0, rest.find_first_of("?#")));
}

}  // namespace rehai
