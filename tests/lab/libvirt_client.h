// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_LIBVIRT_CLIENT_H_
#define TESTS_LAB_LIBVIRT_CLIENT_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/lab/guest_xml.h"

namespace rehai::lab {

// A guest as libvirt shows it.
struct ShownGuest {
  std::string name;
  std::string uuid;
  GuestState state = GuestState::kShutOff;
};

// A held connection: as long as there is one, libvirt's test driver keeps its
// guests. What it does to guests, named by name, costs two calls each and no
// process. Every call waits for the daemon's answer, however long that takes.
// kUnavailable: the connection is dead; kInternal: libvirt refused.
//
// One call at a time: not thread-safe.
class LibvirtClient {
 public:
  // From now on a broken connection of this process is an error, not a SIGPIPE.
  static absl::StatusOr<std::unique_ptr<LibvirtClient>> Open(
      const std::string& uri);
  // Waits for the daemon's answer unless the connection is dead already.
  ~LibvirtClient();

  LibvirtClient(const LibvirtClient&) = delete;
  LibvirtClient& operator=(const LibvirtClient&) = delete;

  // Returns the guest's UUID.
  absl::StatusOr<std::string> Define(const std::string& xml);
  absl::Status Start(const std::string& guest);
  absl::Status Suspend(const std::string& guest);
  absl::Status Resume(const std::string& guest);
  absl::Status Destroy(const std::string& guest);
  absl::Status Undefine(const std::string& guest);

  absl::StatusOr<std::vector<ShownGuest>> List();
  absl::StatusOr<std::string> Hostname();

 private:
  explicit LibvirtClient(std::string uri, void* connection)
      : uri_(std::move(uri)), connection_(connection) {}

  // OK without a complaint.
  absl::Status Result(const std::string& about,
                      const std::string& complaint) const;
  // What libvirt last said, about that.
  absl::Status Error(const std::string& about) const;

  const std::string uri_;
  void* const connection_;  // virConnectPtr
};

}  // namespace rehai::lab

#endif  // TESTS_LAB_LIBVIRT_CLIENT_H_
