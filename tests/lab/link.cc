// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/link.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/status_macros.h"

namespace rehai::lab {

absl::StatusOr<std::unique_ptr<Link>> Link::Open(Relay& relay,
                                                 int target_port) {
  ASSIGN_OR_RETURN(ReservedPort port, ReservedPort::Take());
  const int listener =
      socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port.number());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool bound = bind(listener, reinterpret_cast<const sockaddr*>(&address),
                          sizeof(address)) == 0;
  const absl::StatusOr<uint64_t> id =
      bound ? relay.Open(listener, target_port)
            : absl::ErrnoToStatus(errno, "link: port not to be had");
  if (!id.ok()) {
    close(listener);
    return id.status();
  }
  return std::unique_ptr<Link>(new Link(relay, *id, std::move(port)));
}

Link::~Link() { relay_.Close(id_); }

void Link::SetDelay(absl::Duration delay) { relay_.SetDelay(id_, delay); }

void Link::BlackHole() { relay_.BlackHole(id_); }

void Link::Cut() { relay_.Cut(id_); }

void Link::Refuse() { relay_.Refuse(id_); }

void Link::Heal() { relay_.Heal(id_); }

}  // namespace rehai::lab
