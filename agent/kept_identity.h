// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_KEPT_IDENTITY_H_
#define AGENT_KEPT_IDENTITY_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/tls_identity.h"

// The certificate that the controller issued, and its key, over restarts: one
// file, so that the two can never be of different ages.
namespace rehai::agent {

// Makes the folder, 0700, if it is not there. kInvalidArgument: it is no
// folder, or others can change what is in it; kPermissionDenied, kNotFound,
// kUnavailable: it cannot be made or written to. Names --state_folder.
absl::Status PrepareStateFolder(const std::string& folder);

// kNotFound: nothing is kept. kInvalidArgument, kPermissionDenied,
// kUnavailable: what is there cannot be read, was open to others, or is not
// what Keep() wrote.
absl::StatusOr<TlsIdentity> LoadKept(const std::string& folder);

// In the place of what was kept, whole or not at all, and for nobody else to
// read.
absl::Status Keep(const std::string& folder, const TlsIdentity& identity);

// Where it is.
std::string KeptFile(const std::string& folder);

}  // namespace rehai::agent

#endif  // AGENT_KEPT_IDENTITY_H_
