// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_CLIENT_CONNECTION_H_
#define CLI_CLIENT_CONNECTION_H_

#include <grpc/support/time.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/strings/cord.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "cli/client.h"
#include "rehai/v1/audit.grpc.pb.h"
#include "rehai/v1/checks.grpc.pb.h"
#include "rehai/v1/chef.grpc.pb.h"
#include "rehai/v1/explain.grpc.pb.h"
#include "rehai/v1/fleet.grpc.pb.h"
#include "rehai/v1/history.grpc.pb.h"
#include "rehai/v1/resync.grpc.pb.h"
#include "rehai/v1/source.grpc.pb.h"
#include "rehai/v1/visibility.grpc.pb.h"

// What Client's calls are made with; for its own files only.
namespace rehai::cli {

inline constexpr int64_t kPageSize = 1000;
// On an error that is the client's own: the server said nothing in time.
inline constexpr char kNoAnswer[] = "rehaictl/no-answer";

inline gpr_timespec After(absl::Duration wait) {
  if (wait == absl::InfiniteDuration())
    return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  return gpr_time_add(
      gpr_now(GPR_CLOCK_MONOTONIC),
      gpr_time_from_millis(absl::ToInt64Milliseconds(wait), GPR_TIMESPAN));
}

struct Client::Connection {
  Options options;
  std::string authorization;  // "Bearer ..."; empty: none
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::Fleet::Stub> fleet;
  std::unique_ptr<v1::Resync::Stub> resync;
  std::unique_ptr<v1::Chef::Stub> chef;
  std::unique_ptr<v1::Source::Stub> source;
  std::unique_ptr<v1::History::Stub> history;
  std::unique_ptr<v1::Visibility::Stub> visibility;
  std::unique_ptr<v1::Explanations::Stub> explanations;
  std::unique_ptr<v1::Checks::Stub> checks;
  std::unique_ptr<v1::Audit::Stub> audit;

  Mutex mu;
  bool watch_canceled ABSL_GUARDED_BY(mu) = false;
  grpc::ClientContext* watch ABSL_GUARDED_BY(mu) = nullptr;

  // One call, and its error as the person at the keyboard should read it.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(
      Stub& stub,
      grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                   Response*),
      const Request& request) {
    return CallWithin(options.timeout, stub, method, request);
  }

  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> CallWithin(
      absl::Duration timeout, Stub& stub,
      grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                   Response*),
      const Request& request) {
    grpc::ClientContext context;
    Prepare(context, timeout);
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    if (status.ok()) return response;
    return Translate(status, timeout);
  }

  // All pages as one response; or, with a limit above 0, as many as make that
  // many entries, of which `count` says how many a page has. Then the
  // response's page token tells that there are more.
  template <typename Stub, typename Request, typename Response, typename Count>
  absl::StatusOr<Response> Paged(
      Stub& stub,
      grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                   Response*),
      Request request, int64_t limit, Count count) {
    Response all;
    do {
      const int64_t left = limit > 0 ? limit - count(all) : kPageSize;
      request.set_page_size(
          static_cast<int32_t>(std::min<int64_t>(left, kPageSize)));
      ASSIGN_OR_RETURN(const Response page, Call(stub, method, request));
      request.set_page_token(page.next_page_token());
      all.clear_next_page_token();
      all.MergeFrom(page);
    } while (!request.page_token().empty() &&
             (limit == 0 || count(all) < limit));
    return all;
  }

  void Prepare(grpc::ClientContext& context, absl::Duration timeout) const {
    context.set_deadline(After(timeout));
    if (!authorization.empty()) {
      context.AddMetadata("authorization", authorization);
    }
  }

  // Until the stream ends, or `step` says that it has seen enough: false.
  template <typename Response>
  absl::Status Watch(
      const std::function<std::unique_ptr<grpc::ClientReader<Response>>(
          grpc::ClientContext*)>& open,
      const std::function<bool(const Response&)>& step) {
    grpc::ClientContext context;
    Prepare(context, options.watch_timeout);
    {
      MutexLock lock(mu);
      if (watch_canceled) return absl::CancelledError("watch: canceled");
      watch = &context;
    }
    const auto reader = open(&context);
    Response response;
    bool enough = false;
    while (!enough && reader->Read(&response)) enough = !step(response);
    if (enough) context.TryCancel();
    const grpc::Status status = reader->Finish();
    MutexLock lock(mu);
    watch = nullptr;
    if (status.ok() || enough) return absl::OkStatus();
    return Translate(status, options.watch_timeout);
  }

  absl::Status Translate(const grpc::Status& status, absl::Duration timeout);

 private:
  std::string Remedy(const std::string& message) const;
};

}  // namespace rehai::cli

#endif  // CLI_CLIENT_CONNECTION_H_
