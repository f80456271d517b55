// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// How what Ohai found gets into a write.

#include <memory>
#include <utility>

#include "controller/sync/errors.h"
#include "controller/sync/syncer.h"

namespace rehai {

void Syncer::WriteOhai(const HostId& host, OhaiRun run, v1::Lane lane,
                       RewriteDone done) {
  absl::Status end = CheckWritable(host, inventory_.Find(host).get());
  if (!end.ok()) return done(end);
  auto shared = std::make_shared<const OhaiRun>(std::move(run));
  const absl::Duration now = clock_.Uptime();
  {
    MutexLock lock(mu_);
    if (stopping_) {
      end = ShuttingDown(host);
    } else if (!ohai_.Keep(host, std::move(shared), done)) {
      end = TooMuchOhai(host);
    } else {
      // `done` is now the older run's.
      end = OhaiSuperseded(host);
      dirty_.Force(host, lane, v1::WRITE_CAUSE_REQUEST, now);
      Wake();
    }
  }
  if (done != nullptr) done(end);
}

}  // namespace rehai
