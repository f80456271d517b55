// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/checks_service.h"

#include <grpcpp/server_context.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/proto_time.h"
#include "controller/api/grpc_status.h"
#include "rehai/v1/checks.grpc.pb.h"

namespace rehai {
namespace {

constexpr int kUsualFindings = 100;
constexpr int kMostFindings = 1000;

template <typename Values, typename Value>
bool Contains(const Values& values, const Value& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

bool IsAskedFor(const v1::ListFindingsRequest& request,
                const v1::Finding& finding) {
  return (request.types().empty() ||
          Contains(request.types(), finding.type())) &&
         (request.node().empty() || Contains(finding.nodes(), request.node()));
}

class ChecksService final : public v1::Checks::CallbackService {
 public:
  explicit ChecksService(std::function<std::shared_ptr<const Findings>()> last)
      : last_(std::move(last)) {}

  grpc::ServerUnaryReactor* ListFindings(
      grpc::CallbackServerContext* context,
      const v1::ListFindingsRequest* request,
      v1::ListFindingsResponse* response) override {
    absl::StatusOr<v1::ListFindingsResponse> answer =
        rehai::ListFindings(*request, *last_());
    if (answer.ok()) *response = *std::move(answer);
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(ToGrpc(answer.status()));
    return reactor;
  }

 private:
  const std::function<std::shared_ptr<const Findings>()> last_;
};

}  // namespace

std::map<v1::FindingType, int64_t> CountFindings(const Findings& findings) {
  std::map<v1::FindingType, int64_t> counts;
  for (int type = v1::FindingType_MIN + 1; type <= v1::FindingType_MAX;
       ++type) {
    if (v1::FindingType_IsValid(type)) {
      counts[static_cast<v1::FindingType>(type)] = 0;
    }
  }
  for (const v1::Finding& finding : findings.findings) {
    ++counts[finding.type()];
  }
  return counts;
}

absl::StatusOr<v1::ListFindingsResponse> ListFindings(
    const v1::ListFindingsRequest& request, const Findings& findings) {
  if (request.max_findings() < 0 || request.max_findings() > kMostFindings) {
    return absl::InvalidArgumentError(absl::StrCat(
        "max_findings: ", request.max_findings(), " is out of range; 1 to ",
        kMostFindings, ", or 0 for ", kUsualFindings));
  }
  for (const int type : request.types()) {
    if (v1::FindingType_IsValid(type) && type != 0) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("types: ", type, " is none; leave them out for all"));
  }
  const int most =
      request.max_findings() == 0 ? kUsualFindings : request.max_findings();
  v1::ListFindingsResponse response;
  int total = 0;
  for (const v1::Finding& finding : findings.findings) {
    if (!IsAskedFor(request, finding)) continue;
    if (++total <= most) *response.add_findings() = finding;
  }
  response.set_total_size(total);
  for (const auto& [type, number] : CountFindings(findings)) {
    v1::FindingCount& count = *response.add_counts();
    count.set_type(type);
    count.set_count(number);
  }
  response.set_revision(findings.revision);
  if (findings.checked_at != absl::InfinitePast()) {
    *response.mutable_checked_at() = ToProto(findings.checked_at);
  }
  if (findings.chef_searched_at != absl::InfinitePast()) {
    *response.mutable_chef_searched_at() = ToProto(findings.chef_searched_at);
  }
  return response;
}

std::unique_ptr<grpc::Service> MakeChecksService(
    std::function<std::shared_ptr<const Findings>()> last) {
  return std::make_unique<ChecksService>(std::move(last));
}

}  // namespace rehai
