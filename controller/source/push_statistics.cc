// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/push_statistics.h"

namespace rehai {

void PushStatistics::ReportMerged(bool full, absl::Duration after) {
  ++reports_;
  if (full) ++full_reports_;
  report_to_record_.Add(after);
}

void PushStatistics::FullDemanded() {
  ++reports_;
  ++full_demanded_;
}

void PushStatistics::OhaiRan(bool ok) {
  ++ohai_runs_;
  if (!ok) ++failed_ohai_runs_;
}

void PushStatistics::FillStatus(v1::PushStatus& status) const {
  status.set_opened_sessions(opened_);
  status.mutable_refused_sessions()->insert(refused_.begin(), refused_.end());
  status.mutable_ended_sessions()->insert(ended_.begin(), ended_.end());
  status.set_reports(reports_);
  status.set_full_reports(full_reports_);
  status.set_full_demanded(full_demanded_);
  *status.mutable_report_to_record() = report_to_record_.ToProto();
  status.set_ohai_runs(ohai_runs_);
  status.set_failed_ohai_runs(failed_ohai_runs_);
}

}  // namespace rehai
