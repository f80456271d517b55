// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_CURL_TRANSFER_H_
#define CHEF_CURL_TRANSFER_H_

#include <curl/curl.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "chef/client.h"

namespace rehai::chef {

struct CurlEasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using CurlEasyPtr = std::unique_ptr<CURL, CurlEasyDeleter>;

// One signed request as curl carries it out: made ready, driven by whoever has
// easy() in a multi handle, and then read. Curl holds pointers into it, so it
// stays where it is. Not thread-safe; different threads may have it in turn.
class CurlTransfer {
 public:
  // What all requests of a client have in common. Must outlive the transfer.
  struct Settings {
    std::string server_url;   // for messages
    std::string trusted_pem;  // certificates; empty: the system's
    std::string pinned_keys;  // as curl takes them; empty: any key
    size_t max_response_bytes = 0;
  };

  // `easy` is new or was reset; `request` must outlive the transfer.
  CurlTransfer(const Settings& settings, CurlEasyPtr easy,
               const Request& request, std::string url,
               const std::vector<std::pair<std::string, std::string>>& headers,
               absl::Duration timeout);

  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;

  CURL* easy() const { return easy_.get(); }

  // What came of it; `code` is curl's ending. Once, when curl is done with it.
  // `now` is this machine's wall time.
  absl::StatusOr<Response> TakeResult(CURLcode code, absl::Time now);

  // The handle back, reset, to be used again.
  CurlEasyPtr TakeEasy();

 private:
  // A CURLOPT_PREREQFUNCTION that notes when the request begins to be sent, and
  // lets only a GET be sent more than once.
  static int Begin(void* user, char* primary_ip, char* local_ip,
                   int primary_port, int local_port);
  static size_t WriteResponse(char* bytes, size_t size, size_t count,
                              void* user);

  // Makes room for the body that the answer's header announces.
  void ExpectBody();
  void SetHeaders(
      const std::vector<std::pair<std::string, std::string>>& headers);
  void SetMethodAndBody();
  void SetConnection(absl::Duration timeout);

  struct HeaderListDeleter {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };

  const Settings& settings_;
  const Request& request_;
  const std::string url_;
  std::unique_ptr<curl_slist, HeaderListDeleter> headers_;
  bool begun_ = false;
  absl::Duration begun_at_;  // Uptime() of the real clock
  std::string response_body_;
  bool response_too_large_ = false;
  char error_[CURL_ERROR_SIZE] = "";
  CurlEasyPtr easy_;  // last: it points to the above
};

}  // namespace rehai::chef

#endif  // CHEF_CURL_TRANSFER_H_
