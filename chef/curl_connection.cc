// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/curl_connection.h"

#include <utility>

namespace rehai::chef {
namespace {

// Curl has timers of its own, and an interruption wakes it up; this is for a
// system that has refused the means to wake it.
constexpr int kLongestPollMs = 1000;

}  // namespace

std::unique_ptr<CurlConnection> CurlConnection::Create() {
  MultiPtr multi(curl_multi_init());
  if (multi == nullptr) return nullptr;
  curl_multi_setopt(multi.get(), CURLMOPT_MAXCONNECTS, 1L);
  return std::unique_ptr<CurlConnection>(new CurlConnection(std::move(multi)));
}

CurlEasyPtr CurlConnection::TakeEasy() {
  return easy_ != nullptr ? std::move(easy_) : CurlEasyPtr(curl_easy_init());
}

void CurlConnection::GiveBack(CurlEasyPtr easy) { easy_ = std::move(easy); }

std::optional<CURLcode> CurlConnection::Perform(CURL* easy) {
  if (curl_multi_add_handle(multi_.get(), easy) != CURLM_OK) {
    return CURLE_OUT_OF_MEMORY;
  }
  const std::optional<CURLcode> code = Drive();
  curl_multi_remove_handle(multi_.get(), easy);
  return code;
}

std::optional<CURLcode> CurlConnection::Drive() {
  while (!interrupted_) {
    int running = 0;
    if (curl_multi_perform(multi_.get(), &running) != CURLM_OK) {
      return CURLE_OUT_OF_MEMORY;
    }
    if (running == 0) {
      int left = 0;
      const CURLMsg* const message = curl_multi_info_read(multi_.get(), &left);
      return message == nullptr ? CURLE_FAILED_INIT : message->data.result;
    }
    curl_multi_poll(multi_.get(), nullptr, 0, kLongestPollMs, nullptr);
  }
  return std::nullopt;
}

void CurlConnection::Interrupt() {
  interrupted_ = true;
  curl_multi_wakeup(multi_.get());
}

}  // namespace rehai::chef
