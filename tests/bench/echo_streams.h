// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_BENCH_ECHO_STREAMS_H_
#define TESTS_BENCH_ECHO_STREAMS_H_

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// What gRPC and TLS take for as many streams, when nothing is made of them: a
// server as gRPC comes, in a process of its own, that answers each message with
// an empty one, and clients that have a connection and a certificate each.
namespace rehai::bench {

struct EchoStreams {
  int streams = 100;
  // Of the one message that each client sends before all wait.
  int message_bytes = 10'000;
  // This program, which is started a second time with --echo_folder and must
  // then call ServeEcho().
  std::string program;
};

// Opens all streams at once and hears an answer on each. In the result:
// "seconds", "server_cpu_seconds", "server_private_kib_per_stream" and
// "server_threads".
absl::StatusOr<nlohmann::ordered_json> MeasureEcho(const EchoStreams& options);

// Serves until SIGTERM, having written its port to `folder`, which holds its
// certificate, its key and the clients' authority.
absl::Status ServeEcho(const std::string& folder);

}  // namespace rehai::bench

#endif  // TESTS_BENCH_ECHO_STREAMS_H_
