// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/libvirt_client.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <signal.h>
#include <stdlib.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace rehai::lab {
namespace {

void SayNothing(void*, virErrorPtr) {}

struct DomainFree {
  void operator()(virDomainPtr domain) const { virDomainFree(domain); }
};
using Domain = std::unique_ptr<virDomain, DomainFree>;

std::string UuidOf(const Domain& domain) {
  char uuid[VIR_UUID_STRING_BUFLEN] = "";
  virDomainGetUUIDString(domain.get(), uuid);
  return uuid;
}

// What libvirt complained about; empty if it did as it was told. To be asked
// before the domain is freed, which forgets it.
std::string Do(void* connection, const std::string& guest,
               int (*call)(virDomainPtr)) {
  const Domain domain(virDomainLookupByName(
      static_cast<virConnectPtr>(connection), guest.c_str()));
  if (domain != nullptr && call(domain.get()) == 0) return "";
  return virGetLastErrorMessage();
}

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
  return std::unique_ptr<LibvirtClient>(new LibvirtClient(uri, connection));
}

LibvirtClient::~LibvirtClient() {
  virConnectClose(static_cast<virConnectPtr>(connection_));
}

absl::StatusOr<std::string> LibvirtClient::Define(const std::string& xml) {
  const Domain domain(
      virDomainDefineXML(static_cast<virConnectPtr>(connection_), xml.c_str()));
  if (domain == nullptr) return Error("a guest to be defined");
  return UuidOf(domain);
}

absl::Status LibvirtClient::Start(const std::string& guest) {
  return Result(guest, Do(connection_, guest, virDomainCreate));
}

absl::Status LibvirtClient::Suspend(const std::string& guest) {
  return Result(guest, Do(connection_, guest, virDomainSuspend));
}

absl::Status LibvirtClient::Resume(const std::string& guest) {
  return Result(guest, Do(connection_, guest, virDomainResume));
}

absl::Status LibvirtClient::Destroy(const std::string& guest) {
  return Result(guest, Do(connection_, guest, virDomainDestroy));
}

absl::Status LibvirtClient::Undefine(const std::string& guest) {
  return Result(guest, Do(connection_, guest, virDomainUndefine));
}

absl::StatusOr<std::vector<ShownGuest>> LibvirtClient::List() {
  virDomainPtr* raw = nullptr;
  const int count = virConnectListAllDomains(
      static_cast<virConnectPtr>(connection_), &raw, 0);
  if (count < 0) return Error("list of guests");
  std::vector<Domain> domains(raw, raw + count);
  free(raw);
  std::vector<ShownGuest> guests;
  for (const Domain& domain : domains) {
    ShownGuest guest = {virDomainGetName(domain.get()), UuidOf(domain)};
    int state = 0;
    if (virDomainGetState(domain.get(), &state, nullptr, 0) != 0) {
      return Error(guest.name);
    }
    if (state == VIR_DOMAIN_RUNNING) guest.state = GuestState::kRunning;
    if (state == VIR_DOMAIN_PAUSED) guest.state = GuestState::kPaused;
    guests.push_back(std::move(guest));
  }
  return guests;
}

absl::StatusOr<std::string> LibvirtClient::Hostname() {
  char* const name =
      virConnectGetHostname(static_cast<virConnectPtr>(connection_));
  if (name == nullptr) return Error("host name");
  std::string copy = name;
  free(name);
  return copy;
}

absl::Status LibvirtClient::Result(const std::string& about,
                                   const std::string& complaint) const {
  if (complaint.empty()) return absl::OkStatus();
  const std::string message = absl::StrCat(uri_, ": ", about, ": ", complaint);
  return virConnectIsAlive(static_cast<virConnectPtr>(connection_)) == 1
             ? absl::InternalError(message)
             : absl::UnavailableError(message);
}

absl::Status LibvirtClient::Error(const std::string& about) const {
  return Result(about, virGetLastErrorMessage());
}

}  // namespace rehai::lab
