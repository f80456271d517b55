// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef HYPERVISOR_STATE_REASON_H_
#define HYPERVISOR_STATE_REASON_H_

#include "absl/strings/string_view.h"
#include "rehai/v1/model.pb.h"

namespace rehai::hypervisor {

// libvirt's number for why a guest is in `state`, in the words that
// `virsh domstate --reason` uses. Empty for "unknown" and for numbers younger
// than this table.
absl::string_view StateReason(v1::GuestState state, int reason);

}  // namespace rehai::hypervisor

#endif  // HYPERVISOR_STATE_REASON_H_
