// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/pull_statistics.h"

namespace rehai {
namespace {

const char* WhatWentWrong(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
      return "bad_uri";
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
      return "refused";
    case absl::StatusCode::kDeadlineExceeded:
      return "timeout";
    default:
      return "unreachable";
  }
}

}  // namespace

void PullStatistics::DialEnded(const absl::Status& status,
                               absl::Duration took) {
  ++dials_;
  if (status.ok()) {
    dial_time_.Add(took);
  } else {
    ++failed_dials_[WhatWentWrong(status.code())];
  }
}

void PullStatistics::ReadEnded(bool ok, absl::Duration took) {
  ++reads_;
  if (ok) {
    read_time_.Add(took);
  } else {
    ++failed_reads_;
  }
}

void PullStatistics::FillStatus(v1::PullStatus& status) const {
  status.set_dials(dials_);
  status.mutable_failed_dials()->insert(failed_dials_.begin(),
                                        failed_dials_.end());
  status.set_lost_connections(lost_connections_);
  status.set_reads(reads_);
  status.set_failed_reads(failed_reads_);
  status.set_events(events_);
  status.set_missed_events(missed_events_);
  *status.mutable_event_to_record() = event_to_record_.ToProto();
  *status.mutable_dial_time() = dial_time_.ToProto();
  *status.mutable_read_time() = read_time_.ToProto();
}

}  // namespace rehai
