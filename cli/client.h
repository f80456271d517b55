// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_CLIENT_H_
#define CLI_CLIENT_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "rehai/v1/chef.pb.h"
#include "rehai/v1/fleet.pb.h"
#include "rehai/v1/resync.pb.h"
#include "rehai/v1/source.pb.h"

namespace rehai::cli {

// Client asks one controller. It pages through lists, and its errors are for
// the person who typed the command: subject, what happened, what to do.
//
// Every call may give kUnavailable (the server cannot be reached) or
// kDeadlineExceeded (no answer within the timeout) beside the API's own errors.
// Blocks; CancelWatch() alone may be called by another thread.
class Client {
 public:
  struct Options {
    std::string server;  // host:port or unix:/path
    // PEM files. The certificate and its key make it TLS; without a CA the
    // system's authorities are trusted.
    std::string certificate_file;
    std::string key_file;
    std::string ca_file;
    // Of each call. A watch has none, unless `watch_timeout` says so.
    absl::Duration timeout = absl::Seconds(30);
    absl::Duration watch_timeout = absl::InfiniteDuration();
  };

  // Does not connect yet. kInvalidArgument: the TLS files are incomplete, or
  // one cannot be read.
  static absl::StatusOr<std::unique_ptr<Client>> Create(const Options& options);
  ~Client();

  // All pages as one response.
  absl::StatusOr<v1::ListHostsResponse> ListHosts(
      const v1::HostSelector& selector);
  absl::StatusOr<v1::ListGuestsResponse> ListGuests(
      v1::ListGuestsRequest request);
  absl::StatusOr<v1::GetGuestResponse> GetGuest(
      const v1::GetGuestRequest& request);

  absl::StatusOr<v1::Operation> StartResync(
      const v1::HostSelector& selector,
      const std::vector<v1::ResyncMode>& modes,
      const std::vector<std::string>& ohai_plugins);
  absl::StatusOr<v1::Operation> GetResync(const std::string& id);
  absl::StatusOr<v1::Operation> CancelResync(const std::string& id);
  absl::StatusOr<v1::ResyncDiffResponse> Diff(const std::string& node);

  absl::StatusOr<v1::ChefStatus> ChefStatus();
  absl::StatusOr<v1::ChefCostResponse> ChefCost(const std::string& node);
  // Changes those that are set; gives all as they then are.
  absl::StatusOr<v1::ChefLimits> SetChefLimits(const v1::ChefLimits& limits);

  absl::StatusOr<v1::SourceStatus> SourceStatus();
  // All pages as one response.
  absl::StatusOr<v1::ListConnectionsResponse> ListConnections(
      const v1::HostSelector& selector,
      const std::vector<v1::ConnectionState>& states);
  // All pages as one response.
  absl::StatusOr<v1::ListAgentsResponse> ListAgents(
      const v1::HostSelector& selector);
  absl::StatusOr<v1::RetryResponse> Retry(const v1::HostSelector& selector);
  absl::StatusOr<v1::ConfirmDiscoveryResponse> ConfirmDiscovery(
      int expected_held);
  absl::StatusOr<v1::ConfirmDisappearanceResponse> ConfirmDisappearance(
      const std::string& node);
  absl::StatusOr<v1::AcceptIdentityResponse> AcceptIdentity(
      const std::string& node);

  // Calls `step` for each step until the stream ends. kCancelled after
  // CancelWatch().
  absl::Status WatchFleet(
      const v1::FleetWatchRequest& request,
      const std::function<void(const v1::FleetWatchResponse&)>& step);
  absl::Status WatchResync(
      const std::string& id,
      const std::function<void(const v1::Operation&)>& step);

  // Ends the watch that is under way, or the next one at once.
  void CancelWatch();

 private:
  struct Connection;
  explicit Client(std::unique_ptr<Connection> connection);

  const std::unique_ptr<Connection> connection_;
};

}  // namespace rehai::cli

#endif  // CLI_CLIENT_H_
