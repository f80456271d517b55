// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_CLIENT_KEYS_H_
#define CHEF_CLIENT_KEYS_H_

#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "chef/client.h"

namespace rehai::chef {

// The public keys that the Chef server holds for its API clients.
//
// A server may hold several for one client, so that a key can be replaced
// without a gap: GET /clients/NAME/keys lists them, GET /clients/NAME/keys/KEY
// has one (Chef Server API, "/clients"). One that knows of no lists, goiardi,
// has the key in GET /clients/NAME. Thread-safe.
class ClientKeys {
 public:
  // Of a client that has more, the first so many are looked at.
  static constexpr size_t kMostKeys = 5;

  // In PEM. Never empty.
  using Keys = std::vector<std::string>;
  using Done = absl::AnyInvocable<void(absl::StatusOr<Keys>)>;

  // Both must outlive what is under way.
  ClientKeys(Client& client, const Clock& clock);

  // Those that have not expired. Returns at once; `done` is called once, on one
  // of the client's threads. kNotFound: there is no such client, or it has no
  // key that is good; kInvalidArgument: that can be no client's name; otherwise
  // as FindFailure() gives it.
  void Fetch(const std::string& name, Done done);

 private:
  Client& client_;
  const Clock& clock_;
};

}  // namespace rehai::chef

#endif  // CHEF_CLIENT_KEYS_H_
