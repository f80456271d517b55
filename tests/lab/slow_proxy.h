// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_SLOW_PROXY_H_
#define TESTS_LAB_SLOW_PROXY_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/mutex.h"

namespace httplib {
class Server;
struct Request;
struct Response;
}  // namespace httplib

namespace rehai::lab {

// Stands between a client and a plain HTTP server, passes requests on late or
// when it is told to, and remembers them. What is signed (method, path, body,
// X-Ops headers) goes through as it came. Thread-safe.
class SlowProxy {
 public:
  struct Exchange {
    std::string method;
    std::string path;  // without query
    std::string request_body;
    std::string response_body;
    int status = 0;
    // From the client, to the server, and back from it.
    absl::Time received_at;
    absl::Time forwarded_at;
    absl::Time answered_at;
  };

  // How long a request waits here before it is passed on.
  using Delay = std::function<absl::Duration(const std::string& method,
                                             const std::string& path)>;

  // `server_url` is "http://HOST:PORT". `delay` is called on several threads;
  // null: no request waits.
  static absl::StatusOr<std::unique_ptr<SlowProxy>> Start(
      const std::string& server_url, Delay delay = nullptr);

  // Ends all connections, answered or not.
  ~SlowProxy();

  SlowProxy(const SlowProxy&) = delete;
  SlowProxy& operator=(const SlowProxy&) = delete;

  // "http://127.0.0.1:PORT"
  const std::string& url() const { return url_; }

  // From now on requests of this method and path wait for Release().
  void Hold(const std::string& method, const std::string& path);
  void Release();
  // Requests that Hold() has stopped and that still wait.
  int held() const;

  // All that the server has answered, in the order in which they were. Waits
  // for those that it has been asked and not answered yet: it may have done
  // what they ask, and shown it to others. So a test that has seen a write's
  // effect finds the write here.
  std::vector<Exchange> Exchanges() const;

 private:
  SlowProxy(std::string server_url, Delay delay);

  void Handle(const httplib::Request& request, httplib::Response& response);
  // False if the proxy ends meanwhile.
  bool Wait(const Exchange& exchange);
  // The request of that number is over; null: without an answer.
  void Ended(int64_t number, std::optional<Exchange> exchange);

  // Set by the time the first request comes.
  const std::string server_url_;
  const Delay delay_;
  std::string url_;
  std::unique_ptr<httplib::Server> server_;
  std::thread thread_;

  mutable Mutex mu_;
  mutable CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool holding_ ABSL_GUARDED_BY(mu_) = false;
  std::string held_method_ ABSL_GUARDED_BY(mu_);
  std::string held_path_ ABSL_GUARDED_BY(mu_);
  int held_ ABSL_GUARDED_BY(mu_) = 0;
  // Numbers of the requests that the server has been asked and that are not in
  // exchanges_ yet.
  std::set<int64_t> asked_ ABSL_GUARDED_BY(mu_);
  int64_t last_asked_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<Exchange> exchanges_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rehai::lab

#endif  // TESTS_LAB_SLOW_PROXY_H_
