// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SOURCE_PUSH_STATISTICS_H_
#define CONTROLLER_SOURCE_PUSH_STATISTICS_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/time/time.h"
#include "controller/source/duration_histogram.h"
#include "rehai/v1/source.pb.h"

namespace rehai {

// What the agents' sessions have done since the start, over all hosts. A plain
// value, not thread-safe.
class PushStatistics {
 public:
  // By why, as PushStatus names it.
  void SessionRefused(const std::string& why) { ++refused_[why]; }
  void SessionOpened() { ++opened_; }
  void SessionEnded(const std::string& why) { ++ended_[why]; }

  // A report came, and is merged so long after its reading began; or it was
  // not, and a full one was asked for.
  void ReportMerged(bool full, absl::Duration after);
  void FullDemanded();
  // It said that nothing could be read.
  void SourceError() { ++reports_; }

  void OhaiRan(bool ok);

  // Fills all but `sessions`, and what is counted of certificates.
  void FillStatus(v1::PushStatus& status) const;

 private:
  int64_t opened_ = 0;
  std::map<std::string, int64_t> refused_;
  std::map<std::string, int64_t> ended_;
  int64_t reports_ = 0;
  int64_t full_reports_ = 0;
  int64_t full_demanded_ = 0;
  DurationHistogram report_to_record_;
  int64_t ohai_runs_ = 0;
  int64_t failed_ohai_runs_ = 0;
};

}  // namespace rehai

#endif  // CONTROLLER_SOURCE_PUSH_STATISTICS_H_
