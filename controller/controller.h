// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_CONTROLLER_H_
#define CONTROLLER_CONTROLLER_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "controller/options.h"

namespace rehai {

// Controller builds every part of the service, starts them in the order
// inventory, Chef, sync, source, agents, and stops them in the reverse; only
// the API listens before. It is the only place that sees all rooms. Not
// thread-safe.
class Controller {
 public:
  // Builds everything and starts nothing: what can be found wrong before the
  // first connection is found here (identity, key, trust, TLS files, address).
  // `clock` must outlive the controller.
  static absl::StatusOr<std::unique_ptr<Controller>> Create(
      const ControllerOptions& options, Clock& clock);
  ~Controller();

  // Begins to watch, to write and to answer. kUnavailable: an address cannot
  // be listened on; nothing runs then.
  absl::Status Start();

  // Takes what may change while the service runs: who has which role at the
  // API, the files of TLS, and how much is logged. Connections and streams
  // stay, but those streams whose callers may no longer have them. What else
  // differs is named in the log and taken at the next start. After Start(). An
  // error, of whoever read the configuration or as from Create(), is logged and
  // changes nothing.
  absl::Status Reload(const absl::StatusOr<ControllerOptions>& options);

  // Ends everything within the bounds of calls under way. Idempotent.
  void Stop();

  // The API's port; 0 for a unix socket.
  int port() const;
  // The HTTP port; 0 if there is none.
  int http_port() const;
  // The port that agents come to; 0 if there is none, or for a unix socket.
  int agents_port() const;

 private:
  struct Parts;
  explicit Controller(std::unique_ptr<Parts> parts);

  const std::unique_ptr<Parts> parts_;
};

}  // namespace rehai

#endif  // CONTROLLER_CONTROLLER_H_
