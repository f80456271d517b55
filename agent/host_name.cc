// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/host_name.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>

#include "absl/strings/match.h"

namespace rehai::agent {

HostNames LookUpHostNames() {
  HostNames names;
  char name[NI_MAXHOST] = {};
  if (gethostname(name, sizeof(name) - 1) != 0) return names;
  names.hostname = name;
  addrinfo hints = {};
  hints.ai_flags = AI_CANONNAME;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(name, nullptr, &hints, &found) != 0) return names;
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> first(found,
                                                             &freeaddrinfo);
  if (first->ai_canonname != nullptr) names.canonical = first->ai_canonname;
  if (getnameinfo(first->ai_addr, first->ai_addrlen, name, sizeof(name),
                  nullptr, 0, NI_NAMEREQD) == 0) {
    names.reverse = name;
  }
  return names;
}

absl::StatusOr<std::string> NodeNameOf(const HostNames& names) {
  for (const std::string& name : {names.canonical, names.reverse}) {
    if (absl::StrContains(name, '.')) return name;
  }
  if (!names.canonical.empty()) return names.canonical;
  if (!names.hostname.empty()) return names.hostname;
  return absl::NotFoundError(
      "this machine has no host name; set --node_name to the name of its node");
}

}  // namespace rehai::agent
