// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_ACCESS_ACCESS_OPTIONS_H_
#define CONTROLLER_ACCESS_ACCESS_OPTIONS_H_

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "controller/access/call_gate.h"
#include "controller/access/roster.h"
#include "rehai/v1/config.pb.h"

namespace rehai {

struct AccessOptions {
  Roster::Options roster;
  CallGate::Limits limits;
};

// Reads the configuration's api.roles, default_role and limits. What is wrong
// is complained about by key, and what a key holds is not repeated where it
// might be a token that was written in place of its sum.
AccessOptions MakeAccessOptions(
    const v1::ApiConfig& config,
    absl::FunctionRef<void(absl::string_view key, absl::string_view problem)>
        complain);

}  // namespace rehai

#endif  // CONTROLLER_ACCESS_ACCESS_OPTIONS_H_
