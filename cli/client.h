// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_CLIENT_H_
#define CLI_CLIENT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "rehai/v1/audit.pb.h"
#include "rehai/v1/checks.pb.h"
#include "rehai/v1/chef.pb.h"
#include "rehai/v1/explain.pb.h"
#include "rehai/v1/fleet.pb.h"
#include "rehai/v1/history.pb.h"
#include "rehai/v1/resync.pb.h"
#include "rehai/v1/source.pb.h"
#include "rehai/v1/visibility.pb.h"

namespace rehai::cli {

// Client asks one controller. It pages through lists, and its errors are for
// the person who typed the command: subject, what happened, what to do.
//
// Every call may give kUnavailable (the server cannot be reached) or
// kDeadlineExceeded (no answer within the timeout) beside the API's own errors.
// Blocks. Thread-safe but for watches, of which there may be one at a time; any
// thread may end it by CancelWatch().
class Client {
 public:
  struct Options {
    std::string server;  // host:port or unix:/path
    // PEM files. The certificate and its key make it TLS; without a CA the
    // system's authorities are trusted.
    std::string certificate_file;
    std::string key_file;
    std::string ca_file;
    // A file with a bearer token in it, which says who we are; read once. Only
    // with TLS, or to this machine.
    std::string token_file;
    // Of each call. A watch has none, unless `watch_timeout` says so.
    absl::Duration timeout = absl::Seconds(30);
    absl::Duration watch_timeout = absl::InfiniteDuration();
  };

  // Does not connect yet. kInvalidArgument: the TLS files are incomplete,
  // one cannot be read, or the token would go in clear.
  static absl::StatusOr<std::unique_ptr<Client>> Create(const Options& options);
  ~Client();

  // Of lists at most `limit` entries, or, if it is 0, all: all pages as one
  // response. Its page token is empty if there are no more.
  absl::StatusOr<v1::ListHostsResponse> ListHosts(
      const v1::ListHostsRequest& request, int64_t limit = 0);
  absl::StatusOr<v1::ListGuestsResponse> ListGuests(
      const v1::ListGuestsRequest& request, int64_t limit = 0);
  absl::StatusOr<v1::GetGuestResponse> GetGuest(
      const v1::GetGuestRequest& request);
  absl::StatusOr<v1::SummarizeResponse> Summarize(
      const v1::SummarizeRequest& request);
  absl::StatusOr<v1::ListFindingsResponse> ListFindings(
      const v1::ListFindingsRequest& request);

  absl::StatusOr<v1::ListEventsResponse> ListEvents(
      const v1::ListEventsRequest& request, int64_t limit);
  absl::StatusOr<v1::ListGuestsAsOfResponse> ListGuestsAsOf(
      const v1::ListGuestsAsOfRequest& request);
  absl::StatusOr<v1::ListHostsAsOfResponse> ListHostsAsOf(
      const v1::ListHostsAsOfRequest& request);
  absl::StatusOr<v1::HistoryDiffResponse> HistoryDiff(
      const v1::HistoryDiffRequest& request);
  absl::StatusOr<v1::GetReceiptsResponse> GetReceipts(
      const v1::GetReceiptsRequest& request);
  // For as long as the request's timeout says, which must be set.
  // kDeadlineExceeded is the server's word that it was not so in that time, and
  // kUnavailable that it said nothing.
  absl::StatusOr<v1::WaitVisibleResponse> WaitVisible(
      const v1::WaitVisibleRequest& request);
  absl::StatusOr<v1::ExplainResponse> Explain(
      const v1::ExplainRequest& request);
  absl::StatusOr<v1::ListEntriesResponse> ListAuditEntries(
      const v1::ListEntriesRequest& request, int64_t limit);

  absl::StatusOr<v1::ResyncStartResponse> StartResync(
      const v1::ResyncStartRequest& request);
  absl::StatusOr<v1::ResyncListResponse> ListResyncs(
      const v1::ResyncListRequest& request, int64_t limit);
  absl::StatusOr<v1::Operation> GetResync(const std::string& id);
  absl::StatusOr<v1::Operation> PauseResync(const std::string& id);
  absl::StatusOr<v1::Operation> ResumeResync(const std::string& id);
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
  // Returns when a host changed after the request's revision, or, if the
  // request has a bookmark_interval, when nothing did for so long.
  absl::Status AwaitFleetChange(const v1::FleetWatchRequest& request);
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
