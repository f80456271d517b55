// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_DISCOVERY_HOSTS_FILE_H_
#define CONTROLLER_DISCOVERY_HOSTS_FILE_H_

#include <google/protobuf/repeated_field.h>

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "controller/discovery/found_host.h"
#include "rehai/v1/config.pb.h"

// Hosts as people and generators write them down. Pure functions.
namespace rehai {

// Takes a problem with what a configuration says at `key`, and what to do.
using Complain =
    absl::FunctionRef<void(absl::string_view key, absl::string_view problem)>;

// Where agents report, a host may do without a URI.
enum class HostUri { kNeeded, kOptional };

// The hosts of a list called `key` in messages, in its order. Complains about
// every name that cannot be a Chef node's, every URI that is none, and every
// node that is listed twice.
std::vector<FoundHost> ReadHosts(
    const google::protobuf::RepeatedPtrField<v1::HostConfig>& list,
    const std::string& key, const std::string& found_by, HostUri uri,
    Complain complain);

// The hosts of a file with a HostsFile in YAML. kInvalidArgument lists every
// problem, a line each, with the file's name.
//
// A file without a host is a problem too, unless it says so ("hosts: []"): it
// is more likely one that is being written, and its hosts would be gone.
absl::StatusOr<std::vector<FoundHost>> ParseHostsFile(
    const std::string& file_name, const std::string& text,
    HostUri uri = HostUri::kNeeded);

}  // namespace rehai

#endif  // CONTROLLER_DISCOVERY_HOSTS_FILE_H_
