// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/audit_service.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "controller/api/late_answer.h"
#include "controller/api/page_token.h"
#include "rehai/v1/audit.grpc.pb.h"

namespace rehai {
namespace {

// Of entries of at most 4,500 bytes: well within what gRPC clients accept.
constexpr int kMostEntries = 500;

// What must be the same from page to page.
v1::ListEntriesRequest QuestionOf(v1::ListEntriesRequest request) {
  request.clear_page_size();
  request.clear_page_token();
  return request;
}

absl::StatusOr<AuditQuery> ReadQuery(const v1::ListEntriesRequest& request) {
  AuditQuery query;
  query.caller = request.caller();
  query.command = request.command();
  if (request.has_from()) query.from = FromProto(request.from());
  if (request.has_until()) query.until = FromProto(request.until());
  if (query.from >= query.until) {
    return absl::InvalidArgumentError("until: is not after from");
  }
  ASSIGN_OR_RETURN(const int size, ReadPageSize(request.page_size()));
  query.limit = std::min(size, kMostEntries);
  ASSIGN_OR_RETURN(const std::string key,
                   ReadPageToken(request.page_token(), QuestionOf(request)));
  if (!key.empty() &&
      (!absl::SimpleAtoi(key, &query.before) || query.before <= 0)) {
    return absl::InvalidArgumentError(
        "page_token: damaged; ask for the first page again");
  }
  return query;
}

v1::ListEntriesResponse Answer(const v1::ListEntriesRequest& question,
                               AuditPage page) {
  v1::ListEntriesResponse response;
  for (v1::AuditEntry& entry : page.entries) {
    *response.add_entries() = std::move(entry);
  }
  if (page.next != 0) {
    response.set_next_page_token(
        MakePageToken(absl::StrCat(page.next), question));
  }
  return response;
}

class AuditService final : public v1::Audit::CallbackService {
 public:
  explicit AuditService(Past& past) : past_(past) {}

  grpc::ServerUnaryReactor* ListEntries(
      grpc::CallbackServerContext*, const v1::ListEntriesRequest* request,
      v1::ListEntriesResponse* response) override {
    auto call = LateAnswer<v1::ListEntriesResponse>::Open(response);
    grpc::ServerUnaryReactor* const reactor = call.get();
    absl::StatusOr<AuditQuery> query = ReadQuery(*request);
    if (!query.ok()) {
      call->Answer(query.status());
      return reactor;
    }
    past_.ListAudit(*std::move(query),
                    [call = std::move(call), question = QuestionOf(*request)](
                        absl::StatusOr<AuditPage> page) {
                      if (!page.ok()) return call->Answer(page.status());
                      call->Answer(Answer(question, *std::move(page)));
                    });
    return reactor;
  }

 private:
  Past& past_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeAuditService(Past& past) {
  return std::make_unique<AuditService>(past);
}

}  // namespace rehai
