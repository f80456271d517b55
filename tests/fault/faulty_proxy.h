// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FAULT_FAULTY_PROXY_H_
#define TESTS_FAULT_FAULTY_PROXY_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/mutex.h"

namespace rehai::fault {

// Stands between a client and a plain HTTP/1.1 server on 127.0.0.1 and does to
// some requests what networks and servers do. All else, bytes and framing, goes
// through as it came, on connections that the client may keep. Which requests
// are hurt, and how, is drawn from a seed. Thread-safe.
class FaultyProxy {
 public:
  enum class Fault {
    kNone,
    kLate,         // it reaches the server after a wait
    kResetBefore,  // the connection is reset, and the server never knows
    kResetAfter,   // the server has done it; the connection is reset
    kRefused,      // answered 429, 500, 502, 503 or 504 in the server's place
    kErrorAfter,   // the server has done it; it is answered 500
    kTruncated,    // the server has done it; its answer ends halfway
  };
  static constexpr Fault kFaults[] = {Fault::kLate,       Fault::kResetBefore,
                                      Fault::kResetAfter, Fault::kRefused,
                                      Fault::kErrorAfter, Fault::kTruncated};

  struct Options {
    int server_port = 0;  // of 127.0.0.1
    uint64_t seed = 1;
    // Of all requests, those that each fault befalls; together at most 1.
    std::map<Fault, double> shares = {};
    absl::Duration longest_delay = absl::Seconds(3);
  };

  // One request that the server has answered, whatever the client saw of that.
  struct Exchange {
    std::string method;
    std::string target;  // path and query
    std::string request_body;
    int status = 0;
    absl::Time forwarded_at;
    absl::Time answered_at;
  };

  // `on_exchange` is called on many threads, one call at a time; null: nobody
  // wants to know. kUnavailable: no port to listen on.
  static absl::StatusOr<std::unique_ptr<FaultyProxy>> Start(
      Options options, std::function<void(const Exchange&)> on_exchange);
  // Ends all connections.
  ~FaultyProxy();

  FaultyProxy(const FaultyProxy&) = delete;
  FaultyProxy& operator=(const FaultyProxy&) = delete;

  // "http://127.0.0.1:PORT"
  const std::string& url() const { return url_; }

  // From now on nothing is hurt.
  void Heal();

  // Requests that came, and how many of them each fault befell.
  int64_t requests() const;
  std::map<Fault, int64_t> injected() const;

 private:
  // What is to be done to one request.
  struct Fate {
    Fault fault = Fault::kNone;
    absl::Duration delay;
    int status = 0;  // of kRefused
  };
  struct Request;

  FaultyProxy(Options options, std::function<void(const Exchange&)> on_exchange,
              int listener, int port);

  void Accept();
  // All requests of a connection.
  void Serve(int client);
  // False if the connection is at its end.
  bool Answer(int client, const Request& request);
  Fate Draw();
  // The server's whole answer; empty if there was none.
  std::string Ask(const Request& request);
  // False if the proxy ends meanwhile.
  bool Wait(absl::Duration delay);

  // Set at construction.
  const Options options_;
  const int listener_;
  const std::string url_;

  Mutex telling_;  // held across on_exchange_, which is what orders its calls
  const std::function<void(const Exchange&)> on_exchange_;

  mutable Mutex mu_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool healed_ ABSL_GUARDED_BY(mu_) = false;
  std::mt19937_64 random_ ABSL_GUARDED_BY(mu_);
  int64_t requests_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<Fault, int64_t> injected_ ABSL_GUARDED_BY(mu_);
  std::set<int> open_ ABSL_GUARDED_BY(mu_);  // connections being served

  std::thread acceptor_;
};

// "late", "reset_before", ...
std::string NameOf(FaultyProxy::Fault fault);

}  // namespace rehai::fault

#endif  // TESTS_FAULT_FAULTY_PROXY_H_
