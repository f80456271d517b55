// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_HOST_CLIENT_H_
#define AGENT_HOST_CLIENT_H_

#include <memory>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "chef/client.h"
#include "chef/identity.h"
#include "rehai/v1/config.pb.h"

namespace rehai::agent {

// A client that signs as this host does when chef-client runs on it: as
// `config` says, which are the flags, then as the client.rb that its knife_file
// names and the client.d beside it, then as chef-client has it by default: the
// host's full name, /etc/chef/client.pem, and trusted_certs beside the
// client.rb if there is a certificate in it. Its client_name() is the name of
// the host's node.
//
// `clock` must outlive the client. Reads files, and may ask the resolver.
// Errors as of chef::ResolveIdentity() and chef::Client::Create(), in words of
// flags: all of them for whoever configures this host to heal.
absl::StatusOr<std::unique_ptr<chef::Client>> OpenHostClient(
    v1::ChefConfig config, const Clock& clock);

// As whom that client signs, and with which key. Errors likewise.
absl::StatusOr<chef::Identity> HostIdentity(v1::ChefConfig config);

}  // namespace rehai::agent

#endif  // AGENT_HOST_CLIENT_H_
