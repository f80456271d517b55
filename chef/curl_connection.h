// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_CURL_CONNECTION_H_
#define CHEF_CURL_CONNECTION_H_

#include <curl/curl.h>

#include <atomic>
#include <memory>
#include <optional>

#include "chef/curl_transfer.h"

namespace rehai::chef {

// One connection to a server, kept alive from one transfer to the next and
// dialled anew when it has gone. It has no thread: whoever has a transfer to
// carry out waits for it. One thread at a time; different threads may have it
// in turn.
class CurlConnection {
 public:
  // Null: the system has no descriptors or memory left.
  static std::unique_ptr<CurlConnection> Create();

  CurlConnection(const CurlConnection&) = delete;
  CurlConnection& operator=(const CurlConnection&) = delete;

  // For the next transfer, which owns it until it is given back.
  CurlEasyPtr TakeEasy();
  void GiveBack(CurlEasyPtr easy);

  // Carries out what `easy` was made ready for. Blocks until it has ended, at
  // most as long as the transfer's own timeout. Curl's ending; nullopt if it
  // was interrupted.
  std::optional<CURLcode> Perform(CURL* easy);

  // Ends Perform(), now and whenever it is called again. From any thread.
  void Interrupt();

 private:
  struct MultiDeleter {
    void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
  };
  using MultiPtr = std::unique_ptr<CURLM, MultiDeleter>;

  explicit CurlConnection(MultiPtr multi) : multi_(std::move(multi)) {}

  std::optional<CURLcode> Drive();

  // It keeps the connection, and can be woken up.
  const MultiPtr multi_;
  std::atomic<bool> interrupted_ = false;
  CurlEasyPtr easy_;  // while no transfer has it
};

}  // namespace rehai::chef

#endif  // CHEF_CURL_CONNECTION_H_
