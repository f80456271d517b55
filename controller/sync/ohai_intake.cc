// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/ohai_intake.h"

#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/mutex.h"
#include "controller/sync/ohai_run.h"

namespace rehai {
namespace {

// What the log knows a trouble by: messages differ by bytes and times.
std::string CauseOf(const absl::StatusOr<chef::WriteResult>& result) {
  if (!result.ok()) return absl::StatusCodeToString(result.status().code());
  return v1::WriteOutcome_Name(result->outcome);
}

absl::Status StatusOf(const absl::StatusOr<chef::WriteResult>& result) {
  return result.ok() ? result->status : result.status();
}

}  // namespace

// What the log tells of each host already.
class OhaiIntake::Troubles {
 public:
  void OnEnd(const HostId& host,
             const absl::StatusOr<chef::WriteResult>& result) {
    const absl::Status status = StatusOf(result);
    // A host that left needs no log, and a newer run is not a trouble.
    const bool is_trouble = !status.ok() && !absl::IsNotFound(status) &&
                            !absl::IsAborted(status) &&
                            !absl::IsCancelled(status);
    const std::string cause = is_trouble ? CauseOf(result) : "";
    std::string before;
    {
      MutexLock lock(mu_);
      if (is_trouble) {
        before = std::exchange(logged_[host], cause);
      } else if (auto told = logged_.extract(host); !told.empty()) {
        before = std::move(told.mapped());
      }
    }
    if (cause == before) return;
    if (is_trouble) {
      log::Warning(
          "ohai not written",
          {{"host", host.node}, {"cause", cause}, {"error", status.message()}});
    } else if (status.ok()) {
      log::Info("ohai written again", {{"host", host.node}});
    }
  }

 private:
  Mutex mu_;
  // By host, of the fleet only: others leave with their first kNotFound.
  absl::flat_hash_map<HostId, std::string> logged_ ABSL_GUARDED_BY(mu_);
};

OhaiIntake::OhaiIntake(Syncer& syncer, const Clock& clock, bool write_ohai_time)
    : syncer_(syncer),
      clock_(clock),
      write_ohai_time_(write_ohai_time),
      troubles_(std::make_shared<Troubles>()) {}

OhaiIntake::~OhaiIntake() = default;

void OhaiIntake::Take(const HostId& host, const v1::OhaiResult& result) {
  absl::StatusOr<OhaiRun> run =
      ReadOhaiResult(host, result, clock_.Now(), write_ohai_time_);
  if (!run.ok()) return troubles_->OnEnd(host, run.status());
  syncer_.WriteOhai(host, *std::move(run), v1::LANE_REPAIR,
                    [troubles = troubles_,
                     host](const absl::StatusOr<chef::WriteResult>& end) {
                      troubles->OnEnd(host, end);
                    });
}

}  // namespace rehai
