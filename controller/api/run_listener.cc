// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/run_listener.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <pthread.h>

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/log.h"
#include "base/status_macros.h"

namespace rehai {
namespace {

constexpr absl::Duration kSilence = absl::Minutes(1);
// A token file is a line; whoever names another file by mistake should hear so
// before it is read whole.
constexpr size_t kMaxTokenFileBytes = 64 << 10;

// Of equal length whatever the text, so that comparing tells nothing of it.
std::string Digest(absl::string_view text) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

}  // namespace

RunListener::RunListener(Options options, OnRun on_run, const Clock& clock)
    : options_(std::move(options)),
      token_digest_(Digest(options_.token)),
      clock_(clock),
      on_run_(std::move(on_run)) {}

RunListener::~RunListener() { Stop(); }

void RunListener::Start() {
  thread_ = std::thread([this] { Run(); });
  pthread_setname_np(thread_.native_handle(), "run-listener");
}

void RunListener::Stop() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    news_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

bool RunListener::Admits(absl::string_view token) {
  const std::string digest = Digest(token);
  // An empty token never was anybody's.
  if (!options_.token.empty() &&
      CRYPTO_memcmp(digest.data(), token_digest_.data(), digest.size()) == 0) {
    return true;
  }
  Note(kRefused, token.empty()
                     ? "it carries no token; set data_collector.token in "
                       "client.rb"
                     : "it carries another token than the file of "
                       "http.data_collector_token_file");
  return false;
}

void RunListener::Take(std::string body) {
  std::deque<Message> dropped;  // freed after the unlock
  {
    MutexLock lock(mu_);
    ++counts_.received;
    if (stopping_) return;
    queued_bytes_ += body.size();
    queue_.push_back({std::move(body), clock_.Uptime()});
    while (queue_.size() > options_.max_messages ||
           (queued_bytes_ > options_.max_bytes && queue_.size() > 1)) {
      queued_bytes_ -= queue_.front().body.size();
      dropped.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    news_.NotifyAll();
  }
  for (size_t i = 0; i < dropped.size(); ++i) {
    Note(kDropped, "more came than could be read");
  }
}

void RunListener::CountTooLarge() {
  {
    MutexLock lock(mu_);
    ++counts_.received;
  }
  Note(kTooLarge, "it is larger than any chef-client should send");
}

RunListenerCounts RunListener::Counts() const {
  MutexLock lock(mu_);
  RunListenerCounts counts = counts_;
  counts.queued = static_cast<int64_t>(queue_.size());
  counts.queued_bytes = static_cast<int64_t>(queued_bytes_);
  if (!queue_.empty()) {
    counts.oldest = clock_.Uptime() - queue_.front().came_at;
  }
  return counts;
}

void RunListener::Run() {
  while (true) {
    Message message;
    {
      MutexLock lock(mu_);
      while (queue_.empty() && !stopping_) news_.Wait(mu_);
      if (stopping_) return;
      message = std::move(queue_.front());
      queue_.pop_front();
      queued_bytes_ -= message.body.size();
    }
    Handle(message.body);
  }
}

void RunListener::Handle(const std::string& body) {
  const absl::StatusOr<chef::RunMessage> run = chef::ParseRunMessage(body);
  if (run.ok()) {
    on_run_(*run);
    MutexLock lock(mu_);
    ++(run->kind == chef::RunMessage::Kind::kStart ? counts_.run_starts
                                                   : counts_.run_ends);
  } else if (absl::IsUnimplemented(run.status())) {
    MutexLock lock(mu_);
    ++counts_.passed_over;
  } else {
    Note(kMalformed,
         {run.status().message().data(), run.status().message().size()});
  }
}

void RunListener::Note(Trouble trouble, absl::string_view what) {
  int64_t times;
  {
    MutexLock lock(mu_);
    int64_t* const counts[kTroubles] = {&counts_.refused, &counts_.malformed,
                                        &counts_.too_large, &counts_.dropped};
    ++*counts[trouble];
    Unsaid& unsaid = unsaid_[trouble];
    times = ++unsaid.count;
    const absl::Duration now = clock_.Uptime();
    if (now < unsaid.next_at) return;
    unsaid = {.count = 0, .next_at = now + kSilence};
  }
  static constexpr const char* kEvents[kTroubles] = {
      "run message refused", "run message malformed", "run message too large",
      "run message dropped"};
  log::Warning(kEvents[trouble], {{"why", what}, {"times", times}});
}

absl::StatusOr<std::string> ReadTokenFile(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxTokenFileBytes));
  const absl::string_view line =
      absl::string_view(text).substr(0, text.find('\n'));
  std::string token(absl::StripAsciiWhitespace(line));
  if (token.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path,
                     ": its first line is empty; write the token there "
                     "that chef-client sends (data_collector.token)"));
  }
  return token;
}

}  // namespace rehai
