// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_CLIENT_PROOF_H_
#define CHEF_CLIENT_PROOF_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// How an agent proves to the controller that it has a Chef client's private
// key: agent.proto says over what and how it signs. Pure functions; nothing
// here ever prints key material.
namespace rehai::chef {

// What is signed. `certificate_request` is in DER.
std::string ProofText(absl::string_view node, absl::string_view challenge,
                      absl::string_view certificate_request);

// The signature, by an RSA key in PEM. kInvalidArgument: it is none.
absl::StatusOr<std::string> SignProof(absl::string_view private_key_pem,
                                      absl::string_view text);

// OK if the signature is by the other half of this key. kInvalidArgument: it is
// no RSA public key in PEM (PKCS #1 or SPKI), or one of less than 2048 bits;
// kPermissionDenied: it did not sign this.
absl::Status VerifyProof(absl::string_view public_key_pem,
                         absl::string_view text, absl::string_view signature);

}  // namespace rehai::chef

#endif  // CHEF_CLIENT_PROOF_H_
