// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_LIBVIRT_CLIENT_H_
#define TESTS_LAB_LIBVIRT_CLIENT_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace rehai::lab {

// A connection that is only held: as long as there is one, libvirt's test
// driver keeps its guests.
class LibvirtClient {
 public:
  // From now on a broken connection of this process is an error, not a SIGPIPE.
  static absl::StatusOr<std::unique_ptr<LibvirtClient>> Open(
      const std::string& uri);
  // Waits for the daemon's answer unless the connection is dead already.
  ~LibvirtClient();

  LibvirtClient(const LibvirtClient&) = delete;
  LibvirtClient& operator=(const LibvirtClient&) = delete;

 private:
  explicit LibvirtClient(void* connection) : connection_(connection) {}

  void* const connection_;  // virConnectPtr
};

}  // namespace rehai::lab

#endif  // TESTS_LAB_LIBVIRT_CLIENT_H_
