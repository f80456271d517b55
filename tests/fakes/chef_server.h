// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FAKES_CHEF_SERVER_H_
#define TESTS_FAKES_CHEF_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "tests/fakes/signature_check.h"

namespace httplib {
class Server;
struct Request;
struct Response;
}  // namespace httplib

namespace rehai::chef {

// A Chef server in this process: a real HTTP or HTTPS listener on a free
// loopback port that checks signatures and keeps nodes as the very bytes it was
// sent. It answers as Chef Infra Server does, words of its errors included, and
// can be told to fail in every way that a server or a network can. Fast enough
// to stand in a benchmark: thousands of requests a second, one thread per
// connection. Thread-safe.
class FakeChefServer {
 public:
  struct Options {
    // Empty: nodes are at /nodes; otherwise at /organizations/ORG/nodes.
    std::string organization;
    bool tls = false;
    bool check_signatures = true;
    // Compress answers if the client takes it, as Chef's front door does.
    bool compress = false;
    // Off: Requests() stays empty and memory does not grow.
    bool record_requests = true;
    size_t max_body_bytes = 1'000'000;
    // Search as goiardi does it: `total` counts the page, and a `start` after
    // the end drops the connection.
    bool search_like_goiardi = false;
    // More have to wait for one to close.
    int max_connections = 64;
    // Told of each node that a client has put in place, on the thread of its
    // connection, before the client is answered. Must return fast.
    std::function<void(const std::string& node,
                       const std::shared_ptr<const std::string>& document)>
        on_put = nullptr;
    // For the Date header and for judging timestamps. Must outlive the server.
    const Clock* clock = &Clock::Real();
  };

  // Something that goes wrong for the next requests that match.
  struct Fault {
    enum class Effect {
      kDelayOnly,        // late, then as usual
      kAnswer,           // `status` instead of carrying it out
      kApplyThenAnswer,  // carried out, but answered with `status`
      kDropBefore,       // the connection ends, nothing was carried out
      kDropAfter,        // carried out, and then the connection ends
    };
    Effect effect = Effect::kAnswer;
    std::string method;  // empty: any
    std::string node;    // empty: any path
    int times = 1;
    absl::Duration delay = absl::ZeroDuration();
    int status = 500;
    std::string content_type = "application/json";
    std::string body = R"({"error":["internal service error"]})";
    std::string retry_after;  // the header's value; empty: no header
  };

  struct RecordedRequest {
    std::string method;
    std::string path;  // as it was on the wire, without query
    std::string query;
    std::map<std::string, std::string> headers;  // names in lower case
    size_t body_bytes = 0;
    int status = 0;       // answered; 0: the connection was dropped
    int client_port = 0;  // tells connections apart
    absl::Time received_at;
  };

  struct Counters {
    int64_t requests = 0;
    int64_t gets = 0;
    int64_t puts = 0;          // received
    int64_t puts_applied = 0;  // carried out
    int64_t searches = 0;      // received
    int64_t refused = 0;       // 401
    int64_t faults = 0;
  };

  // Listens when it returns. Ends the process if it cannot.
  static std::unique_ptr<FakeChefServer> Start(Options options);
  static std::unique_ptr<FakeChefServer> Start() { return Start(Options()); }

  // Ends all connections, answered or not.
  ~FakeChefServer();

  FakeChefServer(const FakeChefServer&) = delete;
  FakeChefServer& operator=(const FakeChefServer&) = delete;

  // With the organisation: what goes into a configuration as server_url.
  std::string url() const;
  int port() const { return port_; }
  // With tls: the server's self-signed certificate.
  const std::string& ca_file() const { return ca_file_; }

  // Known from now on by this name and key.
  void AddClient(const std::string& name, const std::string& public_key_pem);

  // As if a client had put these bytes there.
  void SetNode(const std::string& name, std::string document);
  // The stored bytes.
  std::optional<std::string> Node(const std::string& name) const;
  void RemoveNode(const std::string& name);

  // An empty data bag. Items are written by clients, or by SetItem().
  void AddDataBag(const std::string& bag);
  void SetItem(const std::string& bag, const std::string& item,
               std::string document);
  std::optional<std::string> Item(const std::string& bag,
                                  const std::string& item) const;

  // While held, searches find what the index knew when it was held: as on a
  // server whose index lags. Values come from the database all the same.
  void HoldIndex();
  void ReleaseIndex();

  // Faults are used up in the order in which they were added.
  void AddFault(Fault fault);
  void ClearFaults();

  // Requests that arrive while paused are recorded and then wait.
  void Pause();
  void Resume();

  // Waits until this many requests have arrived since the start.
  void AwaitRequests(int64_t count) const;

  std::vector<RecordedRequest> Requests() const;
  Counters counters() const;

 private:
  struct Answer {
    int status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::string retry_after = {};
  };

  explicit FakeChefServer(Options options);

  void Handle(const httplib::Request& request, httplib::Response& response);
  void Reply(Answer answer, httplib::Response& response) const;
  // Returns where the record is, to be completed.
  size_t Record(const httplib::Request& request, const std::string& path);
  // False if the server stopped meanwhile.
  bool WaitWhilePaused();
  bool WaitFor(absl::Duration delay);
  std::optional<Fault> TakeFault(const std::string& method,
                                 const std::string& node);
  Answer CarryOut(const httplib::Request& request, const std::string& path);
  std::optional<Answer> RefuseSender(const httplib::Request& request,
                                     const std::string& path) const;
  Answer GetNode(const std::string& name) const;
  Answer ReplaceNode(const std::string& name, const std::string& document);
  Answer CreateNode(const std::string& document);
  Answer DeleteNode(const std::string& name);
  Answer CarryOutOnData(const httplib::Request& request,
                        absl::string_view below);
  Answer Search(const httplib::Request& request, const std::string& index);
  // What an index knows and what the database has now, matched to the query.
  std::vector<std::shared_ptr<const std::string>> Matching(
      const std::string& index, const std::string& query) const;

  // Set at construction, or by Start() before the first request.
  const Options options_;
  const std::string prefix_;
  int port_ = 0;
  std::string ca_file_;
  std::unique_ptr<httplib::Server> server_;
  std::thread thread_;

  mutable Mutex mu_;
  mutable CondVar changed_;
  bool paused_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  absl::flat_hash_map<std::string, PublicKey> clients_ ABSL_GUARDED_BY(mu_);
  // By name. Ordered, so that a search's pages fit together.
  using Objects = std::map<std::string, std::shared_ptr<const std::string>>;
  Objects nodes_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, Objects> data_bags_ ABSL_GUARDED_BY(mu_);
  // While the index is held: what it knows, by its name ("node", or a bag's).
  std::optional<std::map<std::string, Objects>> held_index_
      ABSL_GUARDED_BY(mu_);
  std::vector<Fault> faults_ ABSL_GUARDED_BY(mu_);
  std::vector<RecordedRequest> requests_ ABSL_GUARDED_BY(mu_);
  Counters counters_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rehai::chef

#endif  // TESTS_FAKES_CHEF_SERVER_H_
