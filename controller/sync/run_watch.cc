// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/run_watch.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "chef/node_document.h"
#include "chef/node_marks.h"

namespace rehai {
namespace {

// Empty if there is none: then the node writer brings nothing back either.
std::string OhaiTimeOf(const std::string& document) {
  const std::string kPath[] = {"automatic", "ohai_time"};
  const auto value = chef::FindValue(document, kPath);
  if (!value.ok() || !value->has_value()) return "";
  return {(*value)->data(), (*value)->size()};
}

}  // namespace

RunWatch::Event RunWatch::OnMessage(const HostId& id,
                                    const chef::RunMessage& message,
                                    bool writing, absl::Duration now,
                                    absl::Time wall_now) {
  Host& host = hosts_[id];
  if (message.kind == chef::RunMessage::Kind::kStart) {
    if (message.run_id == host.last_ended) return {};
    if (host.run.has_value() && host.run->id == message.run_id) return {};
    ++started_;
    host.run = Run{.id = message.run_id, .since = now, .started_at = wall_now};
    return {};
  }
  if (message.run_id == host.last_ended) return {};
  host.last_ended = message.run_id;
  ++(message.success ? succeeded_ : failed_);
  if (host.run.has_value() && host.run->id == message.run_id) host.run.reset();
  if (!message.saved) return {.ended = true};

  if (message.node_document != nullptr) {
    Saved saved = {.document = message.node_document,
                   .ohai_time = "",
                   .earliest = wall_now - kHeardOfAfter,
                   .latest = wall_now,
                   .kept_since = now};
    if (writing || MayHaveUndone(host, saved)) Keep(id, host, std::move(saved));
  }
  return {.saved = true, .ended = true};
}

bool RunWatch::MayHaveUndone(const Host& host, const Saved& saved) {
  return std::any_of(
      host.windows.begin(), host.windows.end(), [&](const Window& window) {
        return window.begin <= saved.latest && window.end >= saved.earliest;
      });
}

void RunWatch::Keep(const HostId& id, Host& host, Saved saved) {
  saved.ohai_time = OhaiTimeOf(*saved.document);
  // An earlier run's message may be the later one.
  if (host.saved.has_value() &&
      chef::CompareOhaiTimes(saved.ohai_time, host.saved->ohai_time) < 0) {
    return;
  }
  Drop(host);
  saved.order = next_order_++;
  saved_order_.emplace(saved.order, id);
  document_bytes_ += saved.document->size();
  host.saved = std::move(saved);
  while (saved_order_.size() > options_.max_documents ||
         document_bytes_ > options_.max_document_bytes) {
    DropOldest();
  }
}

void RunWatch::Drop(Host& host) {
  if (!host.saved.has_value()) return;
  document_bytes_ -= host.saved->document->size();
  saved_order_.erase(host.saved->order);
  host.saved.reset();
}

void RunWatch::DropOldest() { Drop(hosts_.at(saved_order_.begin()->second)); }

const RunWatch::Run* RunWatch::FindRun(const HostId& id,
                                       absl::Duration now) const {
  const auto it = hosts_.find(id);
  if (it == hosts_.end() || !it->second.run.has_value()) return nullptr;
  const Run& run = *it->second.run;
  return run.since + options_.max_run > now ? &run : nullptr;
}

std::optional<absl::Duration> RunWatch::HeldUntil(const HostId& id,
                                                  absl::Duration now) const {
  const Run* const run = FindRun(id, now);
  if (run == nullptr) return std::nullopt;
  const absl::Duration until =
      run->since + std::min(options_.max_run, kLongestHold);
  if (until <= now) return std::nullopt;
  return until;
}

std::optional<absl::Time> RunWatch::StartedAt(const HostId& id,
                                              absl::Duration now) const {
  const Run* const run = FindRun(id, now);
  if (run == nullptr) return std::nullopt;
  return run->started_at;
}

std::shared_ptr<const std::string> RunWatch::SavedFor(const HostId& id,
                                                      absl::Duration now) {
  const auto it = hosts_.find(id);
  if (it == hosts_.end() || !it->second.saved.has_value()) return nullptr;
  Host& host = it->second;
  // The writes that were under way when it came have ended since.
  if (host.saved->kept_since + kSavedAge < now ||
      !MayHaveUndone(host, *host.saved)) {
    Drop(host);
    return nullptr;
  }
  host.saved->handed_over = true;
  return host.saved->document;
}

void RunWatch::OnWritten(const HostId& id, const chef::WriteResult& result,
                         bool again) {
  const bool sent = result.window_begin != absl::InfinitePast();
  const auto it = sent ? hosts_.try_emplace(id).first : hosts_.find(id);
  if (it == hosts_.end()) return;
  Host& host = it->second;
  if (sent) AddWindow(host, result, again);
  if (!host.saved.has_value() || !host.saved->handed_over) return;

  Saved& saved = *host.saved;
  const std::string& found = result.found.ohai_time;
  const bool rolled_back =
      result.restored ||
      (!found.empty() && chef::CompareOhaiTimes(found, saved.ohai_time) < 0);
  if (rolled_back && !std::exchange(saved.counted, true)) ++rolled_back_;
  if (result.restored) ++restored_;
  saved.handed_over = false;
  if (!again) Drop(host);
}

void RunWatch::AddWindow(Host& host, const chef::WriteResult& result,
                         bool again) {
  const absl::Duration late = again ? kLateWrite : absl::ZeroDuration();
  host.windows.push_back(
      {.begin = result.window_begin, .end = result.window_end + late});
  const absl::Time oldest = result.window_end - kWindowAge;
  while (host.windows.size() > kWindows || host.windows.front().end < oldest) {
    host.windows.pop_front();
  }
}

void RunWatch::Forget(const HostId& id) {
  const auto it = hosts_.find(id);
  if (it == hosts_.end()) return;
  Drop(it->second);
  hosts_.erase(it);
}

void RunWatch::FillStatus(absl::Duration now, v1::RunsStatus& status) const {
  int32_t in_flight = 0;
  for (const auto& [id, host] : hosts_) {
    if (FindRun(id, now) != nullptr) ++in_flight;
  }
  status.set_in_flight(in_flight);
  status.set_started(started_);
  status.set_succeeded(succeeded_);
  status.set_failed(failed_);
  status.set_rolled_back(rolled_back_);
  status.set_restored(restored_);
}

}  // namespace rehai
