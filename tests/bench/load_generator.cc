// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/load_generator.h"

#include <atomic>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/status_macros.h"

namespace rehai::bench {
namespace {

// Sends one request, counts it, and wants it to succeed.
absl::Status Send(lab::Knife& connection, const std::string& method,
                  const std::string& path, absl::string_view body,
                  Round& part) {
  ASSIGN_OR_RETURN(const lab::Knife::Answer answer,
                   connection.Send(method, path, body));
  ++part.requests;
  part.body_bytes_sent += body.size();
  part.body_bytes_received += answer.body.size();
  if (answer.http_status != 200) {
    return absl::InternalError(absl::StrCat(method, " ", path, ": answered ",
                                            answer.http_status, ": ",
                                            answer.body));
  }
  return absl::OkStatus();
}

absl::Status WriteNode(lab::Knife& connection,
                       const LoadGenerator::NodeBody& node, Round& part) {
  const std::string path = absl::StrCat("/nodes/", node.node);
  const absl::Duration begin = Clock::Real().Uptime();
  RETURN_IF_ERROR(Send(connection, "GET", path, "", part));
  RETURN_IF_ERROR(Send(connection, "PUT", path,
                       absl::string_view(node.body.data(), node.body.size()),
                       part));
  part.writes.Add(Clock::Real().Uptime() - begin);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<LoadGenerator>> LoadGenerator::Create(
    const lab::Knife::Options& account, int connections) {
  std::vector<std::unique_ptr<lab::Knife>> made(connections);
  for (auto& connection : made) {
    ASSIGN_OR_RETURN(connection, lab::Knife::Create(account));
  }
  return std::unique_ptr<LoadGenerator>(new LoadGenerator(std::move(made)));
}

absl::StatusOr<Round> LoadGenerator::Run(absl::Span<const NodeBody> nodes) {
  std::vector<Round> parts(connections_.size());
  std::vector<absl::Status> endings(connections_.size());
  std::atomic<size_t> next = 0;
  const auto work = [&](size_t i) {
    for (size_t n = next++; n < nodes.size(); n = next++) {
      endings[i] = WriteNode(*connections_[i], nodes[n], parts[i]);
      if (!endings[i].ok()) next = nodes.size();  // the others may stop too
      if (!endings[i].ok()) return;
    }
  };

  const absl::Duration begin = Clock::Real().Uptime();
  std::vector<std::thread> threads;
  for (size_t i = 0; i < connections_.size(); ++i)
    threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();

  Round round;
  round.elapsed = Clock::Real().Uptime() - begin;
  for (const absl::Status& ending : endings) RETURN_IF_ERROR(ending);
  for (const Round& part : parts) {
    round.writes.Add(part.writes);
    round.requests += part.requests;
    round.body_bytes_sent += part.body_bytes_sent;
    round.body_bytes_received += part.body_bytes_received;
  }
  return round;
}

}  // namespace rehai::bench
