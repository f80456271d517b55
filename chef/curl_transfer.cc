// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/curl_transfer.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"

namespace rehai::chef {
namespace {

// Chef's front door closes a connection that is idle for 65 seconds. Staying
// clear of that, a request seldom meets a connection that is just being closed.
constexpr long kMaxIdleSeconds = 50;

// Room for as large an answer is made at once: for any node that a server
// takes.
constexpr uint64_t kMostExpectedBytes = 2 << 20;

// What curl's failure means to a caller of Send(). `detail` is curl's own text.
absl::Status FromCurl(CURLcode code, absl::string_view detail,
                      absl::string_view server_url) {
  if (detail.empty()) detail = curl_easy_strerror(code);
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return absl::DeadlineExceededError(absl::StrCat(
          server_url, ": did not answer in time (", detail,
          "); what was asked may have been done; see whether the server is up "
          "and not overloaded"));
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return absl::UnavailableError(absl::StrCat(
          server_url, ": its host name cannot be resolved (", detail,
          "); check chef.server_url and this machine's "
          "DNS"));
    case CURLE_COULDNT_CONNECT:
      return absl::UnavailableError(absl::StrCat(
          server_url, ": cannot connect (", detail,
          "); see whether the server is running and reachable from here"));
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return absl::UnauthenticatedError(absl::StrCat(
          server_url, ": its certificate is not trusted (", detail,
          "); set chef.ca_file or chef.trusted_certs_dir to the certificate of "
          "the server or of its authority, and use the name that is in it"));
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
      return absl::UnauthenticatedError(absl::StrCat(
          server_url,
          ": its public key is none of chef.pinned_public_keys; if the server "
          "has a new key, add that key's sha256// there, otherwise somebody is "
          "in between"));
    case CURLE_SSL_CONNECT_ERROR:
      return absl::UnavailableError(absl::StrCat(
          server_url, ": no TLS connection (", detail,
          "); see whether this is an https port that speaks TLS 1.2 or later"));
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_ABORTED_BY_CALLBACK:  // it would have been sent again
      return absl::UnavailableError(
          absl::StrCat(server_url, ": the connection broke (", detail,
                       "); what was asked may have been done"));
    default:
      return absl::UnavailableError(absl::StrCat(server_url, ": ", detail,
                                                 " (curl error ",
                                                 static_cast<int>(code), ")"));
  }
}

std::string HeaderValue(CURL* easy, const char* name) {
  curl_header* header = nullptr;
  if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK) {
    return "";
  }
  return header->value;
}

// A date of HTTP; InfinitePast if it is none.
absl::Time ParseDate(const std::string& text) {
  const time_t seconds = curl_getdate(text.c_str(), nullptr);
  return seconds == -1 ? absl::InfinitePast() : absl::FromTimeT(seconds);
}

// Seconds, or a date. A date is compared with the server's own clock if that is
// known, since ours may differ.
absl::Duration ParseRetryAfter(const std::string& text, absl::Time server_now) {
  int64_t seconds = 0;
  if (absl::SimpleAtoi(text, &seconds)) {
    return absl::Seconds(std::max<int64_t>(seconds, 0));
  }
  const absl::Time date = ParseDate(text);
  if (date == absl::InfinitePast()) return absl::ZeroDuration();
  return std::max(date - server_now, absl::ZeroDuration());
}

}  // namespace

CurlTransfer::CurlTransfer(
    const Settings& settings, CurlEasyPtr easy, const Request& request,
    std::string url,
    const std::vector<std::pair<std::string, std::string>>& headers,
    absl::Duration timeout)
    : settings_(settings),
      request_(request),
      url_(std::move(url)),
      easy_(std::move(easy)) {
  SetHeaders(headers);
  SetMethodAndBody();
  SetConnection(timeout);
}

absl::StatusOr<Response> CurlTransfer::TakeResult(CURLcode code,
                                                  absl::Time now) {
  if (response_too_large_) {
    return absl::ResourceExhaustedError(
        absl::StrCat(settings_.server_url, ": the answer to ", request_.method,
                     " ", request_.path, " is larger than ",
                     settings_.max_response_bytes, " bytes"));
  }
  if (code != CURLE_OK) return FromCurl(code, error_, settings_.server_url);
  Response response;
  long status = 0;
  curl_easy_getinfo(easy(), CURLINFO_RESPONSE_CODE, &status);
  response.status = static_cast<int>(status);
  response.content_type = HeaderValue(easy(), "Content-Type");
  response.date = ParseDate(HeaderValue(easy(), "Date"));
  response.retry_after = ParseRetryAfter(
      HeaderValue(easy(), "Retry-After"),
      response.date == absl::InfinitePast() ? now : response.date);
  // libcurl's own times begin only once the request is sent.
  response.took = Clock::Real().Uptime() - begun_at_;
  response.body = std::move(response_body_);
  return response;
}

CurlEasyPtr CurlTransfer::TakeEasy() {
  curl_easy_reset(easy_.get());  // forgets its pointers into this
  return std::move(easy_);
}

// Of a connection that dies unanswered, curl repeats the request on another if
// it can; and a PUT that was carried out must not be carried out again, over
// what others have written since.
int CurlTransfer::Begin(void* user, char*, char*, int, int) {
  CurlTransfer& transfer = *static_cast<CurlTransfer*>(user);
  transfer.begun_at_ = Clock::Real().Uptime();
  const bool again = std::exchange(transfer.begun_, true);
  return again && transfer.request_.method != "GET" ? CURL_PREREQFUNC_ABORT
                                                    : CURL_PREREQFUNC_OK;
}

size_t CurlTransfer::WriteResponse(char* bytes, size_t size, size_t count,
                                   void* user) {
  CurlTransfer& transfer = *static_cast<CurlTransfer*>(user);
  const size_t n = size * count;
  if (transfer.response_body_.empty()) transfer.ExpectBody();
  if (n >
      transfer.settings_.max_response_bytes - transfer.response_body_.size()) {
    transfer.response_too_large_ = true;
    return 0;  // gives up the transfer
  }
  transfer.response_body_.append(bytes, n);
  return n;
}

void CurlTransfer::ExpectBody() {
  curl_off_t length = -1;
  curl_easy_getinfo(easy(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  // The server's word, and before decompression.
  if (length > 0 && static_cast<uint64_t>(length) <= kMostExpectedBytes) {
    response_body_.reserve(length);
  }
}

void CurlTransfer::SetHeaders(
    const std::vector<std::pair<std::string, std::string>>& headers) {
  curl_slist* list = nullptr;
  const auto add = [&list](const std::string& line) {
    list = curl_slist_append(list, line.c_str());
  };
  add("Accept: application/json");
  if (!request_.body.empty()) add("Content-Type: application/json");
  // Large bodies would otherwise wait for a "100 Continue" that some servers
  // never send.
  add("Expect:");
  for (const auto& [name, value] : headers) {
    add(absl::StrCat(name, ": ", value));
  }
  headers_.reset(list);
}

void CurlTransfer::SetMethodAndBody() {
  curl_easy_setopt(easy(), CURLOPT_URL, url_.c_str());
  curl_easy_setopt(easy(), CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy(), CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  curl_easy_setopt(easy(), CURLOPT_HTTPHEADER, headers_.get());
  curl_easy_setopt(easy(), CURLOPT_HTTP_VERSION,
                   static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy(), CURLOPT_USERAGENT, "rehai");
  curl_easy_setopt(easy(), CURLOPT_ACCEPT_ENCODING, "");
  if (request_.method != "GET") {
    // Given so, and not by a function, header and body of up to 64 kB are sent
    // in one piece.
    curl_easy_setopt(easy(), CURLOPT_POSTFIELDS, request_.body.data());
    curl_easy_setopt(easy(), CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request_.body.size()));
  }
  curl_easy_setopt(easy(), CURLOPT_PREREQFUNCTION, Begin);
  curl_easy_setopt(easy(), CURLOPT_PREREQDATA, this);
  curl_easy_setopt(easy(), CURLOPT_WRITEFUNCTION, WriteResponse);
  curl_easy_setopt(easy(), CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy(), CURLOPT_ERRORBUFFER, error_);
}

void CurlTransfer::SetConnection(absl::Duration timeout) {
  curl_easy_setopt(easy(), CURLOPT_TIMEOUT_MS,
                   static_cast<long>(std::max<int64_t>(
                       1, absl::ToInt64Milliseconds(timeout))));
  curl_easy_setopt(easy(), CURLOPT_MAXAGE_CONN, kMaxIdleSeconds);
  curl_easy_setopt(easy(), CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy(), CURLOPT_NOSIGNAL, 1L);
  // A resolver that hangs must not hold up the thread at the deadline.
  curl_easy_setopt(easy(), CURLOPT_QUICK_EXIT, 1L);

  curl_easy_setopt(easy(), CURLOPT_SSLVERSION,
                   static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(easy(), CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy(), CURLOPT_SSL_VERIFYHOST, 2L);
  if (!settings_.pinned_keys.empty()) {
    curl_easy_setopt(easy(), CURLOPT_PINNEDPUBLICKEY,
                     settings_.pinned_keys.c_str());
  }
  const std::string& pem = settings_.trusted_pem;
  if (!pem.empty()) {
    curl_blob blob = {const_cast<char*>(pem.data()), pem.size(),
                      CURL_BLOB_NOCOPY};
    curl_easy_setopt(easy(), CURLOPT_CAINFO_BLOB, &blob);
    // Otherwise the system's authorities would be trusted too.
    curl_easy_setopt(easy(), CURLOPT_CAINFO, nullptr);
    curl_easy_setopt(easy(), CURLOPT_CAPATH, nullptr);
  }
}

}  // namespace rehai::chef
