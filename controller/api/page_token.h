// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_PAGE_TOKEN_H_
#define CONTROLLER_API_PAGE_TOKEN_H_

#include <google/protobuf/message.h>

#include <string>

#include "absl/status/statusor.h"

namespace rehai {

// A page token holds the key of the page's last entry, so that entries that
// come and go between two pages neither repeat nor skip the others, and a print
// of the question, so that it cannot be asked on with another filter. Tokens
// are opaque to clients, survive a restart of the controller, and grant
// nothing: whoever makes one up gets a page that he could have asked for.
std::string MakePageToken(const std::string& last_key,
                          const google::protobuf::Message& filter);

// The key in the token; "" in an empty token, which asks for the first page.
// kInvalidArgument: the token is damaged or belongs to another filter.
absl::StatusOr<std::string> ReadPageToken(
    const std::string& token, const google::protobuf::Message& filter);

// The size to use for a page: 0 means 100. kInvalidArgument unless 0 to 1000.
absl::StatusOr<int> ReadPageSize(int page_size);

}  // namespace rehai

#endif  // CONTROLLER_API_PAGE_TOKEN_H_
