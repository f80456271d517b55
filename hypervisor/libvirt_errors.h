// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef HYPERVISOR_LIBVIRT_ERRORS_H_
#define HYPERVISOR_LIBVIRT_ERRORS_H_

#include <libvirt/virterror.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace rehai::hypervisor {

// A libvirt error as a Status, "subject: what happened; what to do", in one
// line. The codes say what the caller may do next:
//   kInvalidArgument   the URI, or a file that it names, can never work
//   kUnauthenticated   the far side refused us, or is not who we know
//   kNotFound          the guest, network, pool or volume is not there
//   kUnimplemented     this hypervisor's driver has no such call
//   kPermissionDenied  this connection may not do that
//   kUnavailable       anything else: time may heal it
// ssh's failures reach us only as text, so they are told apart by it.
absl::Status FromLibvirtError(const virError& error, absl::string_view subject);

// FromLibvirtError() of the calling thread's last error. Call it before any
// handle is freed: that forgets the error.
absl::Status LastLibvirtError(absl::string_view subject);

}  // namespace rehai::hypervisor

#endif  // HYPERVISOR_LIBVIRT_ERRORS_H_
