// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef HYPERVISOR_LIBVIRT_URI_H_
#define HYPERVISOR_LIBVIRT_URI_H_

#include <string>

#include "absl/strings/string_view.h"

namespace rehai::hypervisor {

// `uri` such that ssh never asks a question, where the transport is the ssh
// client and the URI brings no command= of its own, which is then responsible:
// with `ssh_command` as its command=, or, if that is empty, with no_tty=1. Any
// other URI comes back as it is.
std::string WithoutPrompts(absl::string_view uri,
                           absl::string_view ssh_command = "");

// The URI by which a program beside the hypervisor reaches it, whichever way
// `uri` goes there: "qemu:///system" for
// "qemu+ssh://root@hv1/system?command=x". A driver that works without a daemon,
// as esx does, has none: its URI comes back as it is, as does what is no URI.
std::string LocalUri(absl::string_view uri);

}  // namespace rehai::hypervisor

#endif  // HYPERVISOR_LIBVIRT_URI_H_
