// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <string>

#include "absl/status/status.h"
#include "controller/api/page_token.h"
#include "rehai/v1/fleet.pb.h"
#include "tests/fuzz/property.h"

namespace rehai {

// The input is a page token, and also the key of a page's last entry.
//   - What is no token of this list is refused, in words.
//   - A token that is taken has a key whose own token has it too.
//   - A token made of any key gives it back, to the same filter only.
std::string BrokenProperty(absl::string_view input) {
  const std::string text(input);
  v1::ListHostsRequest filter;
  filter.set_page_size(10);
  v1::ListHostsRequest other = filter;
  other.set_page_size(11);

  const auto key = ReadPageToken(text, filter);
  if (!key.ok()) {
    if (key.status().code() != absl::StatusCode::kInvalidArgument) {
      return "an error of another code";
    }
    std::string broken = BrokenError(key.status());
    if (!broken.empty()) return broken;
  } else if (!text.empty()) {
    const auto again = ReadPageToken(MakePageToken(*key, filter), filter);
    if (!again.ok() || *again != *key) return "a key is lost by its own token";
  }

  const std::string token = MakePageToken(text, filter);
  if (!CanBeSent(token)) return "a token that is not UTF-8";
  const auto back = ReadPageToken(token, filter);
  if (!back.ok() || *back != text) return "a key does not come back";
  if (ReadPageToken(token, other).ok()) return "another filter takes it";
  return "";
}

}  // namespace rehai
