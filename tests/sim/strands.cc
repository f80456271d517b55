// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/strands.h"

#include <utility>

namespace rehai::sim {

Strands::~Strands() {
  for (const auto& strand : strands_) {
    strand->ends = true;
    strand->go.release();
    strand->thread.join();
  }
}

void Strands::Run(absl::AnyInvocable<void()> task) {
  Strand* idle = nullptr;
  for (const auto& strand : strands_) {
    if (strand->task == nullptr) idle = strand.get();
  }
  if (idle == nullptr) {
    idle = strands_.emplace_back(std::make_unique<Strand>()).get();
    idle->thread = std::thread([this, idle] { Work(*idle); });
  }
  idle->task = std::move(task);
  ++busy_;
  Resume(*idle);
}

void Strands::Work(Strand& strand) {
  while (true) {
    strand.go.acquire();
    if (strand.ends) return;
    strand.task();
    strand.task = nullptr;
    --busy_;
    back_.release();
  }
}

void Strands::Resume(Strand& strand) {
  current_ = &strand;
  strand.go.release();
  back_.acquire();
  current_ = nullptr;
}

void Strands::Sleep(absl::Duration wait) {
  if (current_ == nullptr || hurries_) return;
  Strand& self = *current_;
  self.is_asleep = true;
  scheduler_.After(wait, [this, &self, sleep = ++self.sleep] {
    if (self.is_asleep && self.sleep == sleep) Resume(self);
  });
  back_.release();
  self.go.acquire();
  self.is_asleep = false;
}

void Strands::EndAll() {
  hurries_ = true;
  for (const auto& strand : strands_) {
    while (strand->task != nullptr) Resume(*strand);
  }
  hurries_ = false;
}

}  // namespace rehai::sim
