// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_CANNED_CONTROLLER_H_
#define CLI_CANNED_CONTROLLER_H_

#include <google/protobuf/message.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "rehai/v1/audit.grpc.pb.h"
#include "rehai/v1/checks.grpc.pb.h"
#include "rehai/v1/explain.grpc.pb.h"
#include "rehai/v1/history.grpc.pb.h"
#include "rehai/v1/resync.grpc.pb.h"
#include "rehai/v1/visibility.grpc.pb.h"

namespace rehai {

// A server for tests of what rehaictl asks and how it shows the answers: each
// method answers what a test has set for it, and remembers what it was asked.
// Of a list, the answers set are its pages. Thread-safe.
class CannedController final : public v1::Audit::Service,
                               public v1::Checks::Service,
                               public v1::Explanations::Service,
                               public v1::History::Service,
                               public v1::Resync::Service,
                               public v1::Visibility::Service {
 public:
  CannedController() {
    address_ = absl::StrCat("unix:/tmp/rehaictl-", getpid(), ".sock");
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address_, grpc::InsecureServerCredentials());
    builder.RegisterService(static_cast<v1::Audit::Service*>(this));
    builder.RegisterService(static_cast<v1::Checks::Service*>(this));
    builder.RegisterService(static_cast<v1::Explanations::Service*>(this));
    builder.RegisterService(static_cast<v1::History::Service*>(this));
    builder.RegisterService(static_cast<v1::Resync::Service*>(this));
    builder.RegisterService(static_cast<v1::Visibility::Service*>(this));
    server_ = builder.BuildAndStart();
    EXPECT_NE(server_, nullptr);
  }
  ~CannedController() { server_->Shutdown(); }

  const std::string& address() const { return address_; }

  // The next calls with such an answer get these, one after the other; the last
  // one then stays.
  template <typename Response>
  void Answer(const std::vector<Response>& answers) {
    MutexLock lock(mu_);
    std::vector<std::string>& texts =
        answers_[Response::descriptor()->full_name()];
    texts.clear();
    for (const Response& answer : answers) {
      texts.push_back(answer.SerializeAsString());
    }
  }
  void Fail(grpc::Status status) {
    MutexLock lock(mu_);
    failure_ = std::move(status);
  }

  // The last request of this type.
  template <typename Request>
  Request Asked() {
    MutexLock lock(mu_);
    Request request;
    request.ParseFromString(asked_[Request::descriptor()->full_name()]);
    return request;
  }
  // The authorization that came with the last call.
  std::string authorization() {
    MutexLock lock(mu_);
    return authorization_;
  }

  using Context = grpc::ServerContext;
  grpc::Status ListEntries(Context* context, const v1::ListEntriesRequest* in,
                           v1::ListEntriesResponse* out) override {
    return Say(*context, *in, *out);
  }
  grpc::Status ListFindings(Context* context, const v1::ListFindingsRequest* in,
                            v1::ListFindingsResponse* out) override {
    return Say(*context, *in, *out);
  }
  grpc::Status Explain(Context* context, const v1::ExplainRequest* in,
                       v1::ExplainResponse* out) override {
    return Say(*context, *in, *out);
  }
  grpc::Status ListEvents(Context* context, const v1::ListEventsRequest* in,
                          v1::ListEventsResponse* out) override {
    return Say(*context, *in, *out);
  }
  grpc::Status ListGuestsAsOf(Context* context,
                              const v1::ListGuestsAsOfRequest* in,
                              v1::ListGuestsAsOfResponse* out) override {
    return Say(*context, *in, *out);
  }
  grpc::Status ListHostsAsOf(Context* context,
                             const v1::ListHostsAsOfRequest* in,
                             v1::ListHostsAsOfResponse* out) override {
    return Say(*context, *in, *out);
  }
  grpc::Status Diff(Context* context, const v1::HistoryDiffRequest* in,
                    v1::HistoryDiffResponse* out) override {
    return Say(*context, *in, *out);
  }
  grpc::Status List(Context* context, const v1::ResyncListRequest* in,
                    v1::ResyncListResponse* out) override {
    return Say(*context, *in, *out);
  }
  grpc::Status GetReceipts(Context* context, const v1::GetReceiptsRequest* in,
                           v1::GetReceiptsResponse* out) override {
    return Say(*context, *in, *out);
  }
  grpc::Status WaitVisible(Context* context, const v1::WaitVisibleRequest* in,
                           v1::WaitVisibleResponse* out) override {
    return Say(*context, *in, *out);
  }

 private:
  grpc::Status Say(const Context& context, const google::protobuf::Message& in,
                   google::protobuf::Message& out) {
    MutexLock lock(mu_);
    asked_[in.GetDescriptor()->full_name()] = in.SerializeAsString();
    const auto token = context.client_metadata().find("authorization");
    authorization_ =
        token == context.client_metadata().end()
            ? ""
            : std::string(token->second.data(), token->second.size());
    std::vector<std::string>& texts =
        answers_[out.GetDescriptor()->full_name()];
    if (!texts.empty()) {
      out.ParseFromString(texts.front());
      if (texts.size() > 1) texts.erase(texts.begin());
    }
    return failure_;
  }

  std::string address_;
  std::unique_ptr<grpc::Server> server_;

  Mutex mu_;
  std::map<std::string, std::vector<std::string>> answers_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, std::string> asked_ ABSL_GUARDED_BY(mu_);
  std::string authorization_ ABSL_GUARDED_BY(mu_);
  grpc::Status failure_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rehai

#endif  // CLI_CANNED_CONTROLLER_H_
