// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/libvirt_client.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <signal.h>

#include "absl/strings/str_cat.h"

namespace rehai::lab {
namespace {

void SayNothing(void*, virErrorPtr) {}

}  // namespace

absl::StatusOr<std::unique_ptr<LibvirtClient>> LibvirtClient::Open(
    const std::string& uri) {
  signal(SIGPIPE, SIG_IGN);
  virSetErrorFunc(nullptr, SayNothing);
  virConnectPtr connection = virConnectOpen(uri.c_str());
  if (connection == nullptr) {
    return absl::UnavailableError(
        absl::StrCat(uri, ": ", virGetLastErrorMessage()));
  }
  return std::unique_ptr<LibvirtClient>(new LibvirtClient(connection));
}

LibvirtClient::~LibvirtClient() {
  virConnectClose(static_cast<virConnectPtr>(connection_));
}

}  // namespace rehai::lab
