// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/strands.h"

#include <utility>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

namespace rehai::sim {
namespace {

// Of which the system gives what is touched.
constexpr size_t kStack = size_t{512} << 10;

// Apart, as it may return twice for all that the compiler knows.
void TakeContext(ucontext_t& context) { getcontext(&context); }

}  // namespace

void Strands::Run(absl::AnyInvocable<void()> task) {
  Strand* idle = nullptr;
  for (const auto& strand : strands_) {
    if (strand->task == nullptr) idle = strand.get();
  }
  if (idle == nullptr) {
    idle = strands_.emplace_back(std::make_unique<Strand>()).get();
    Prepare(*idle);
  }
  idle->task = std::move(task);
  ++busy_;
  Resume(*idle);
}

void Strands::Prepare(Strand& strand) {
  strand.stack.reset(new char[kStack]);
  Place& place = strand.place;
  place.bottom = strand.stack.get();
  place.size = kStack;
  TakeContext(place.context);
  place.context.uc_stack.ss_sp = strand.stack.get();
  place.context.uc_stack.ss_size = kStack;
  place.context.uc_link = nullptr;
  // Arguments are ints.
  const auto self = reinterpret_cast<uintptr_t>(this);
  makecontext(&place.context, reinterpret_cast<void (*)()>(&Begin), 2,
              static_cast<unsigned>(self >> 32), static_cast<unsigned>(self));
}

void Strands::Begin(unsigned high, unsigned low) {
  auto* const self =
      reinterpret_cast<Strands*>(uintptr_t{high} << 32 | uintptr_t{low});
  Arrive(self->current_->place, &self->owner_);
  self->Work();
}

void Strands::Work() {
  while (true) {
    Strand& self = *current_;
    self.task();
    self.task = nullptr;
    --busy_;
    Switch(self.place, owner_);
  }
}

void Strands::Resume(Strand& strand) {
  current_ = &strand;
  Switch(owner_, strand.place);
  current_ = nullptr;
}

void Strands::Sleep(absl::Duration wait) {
  if (current_ == nullptr || hurries_) return;
  Strand& self = *current_;
  self.is_asleep = true;
  scheduler_.After(wait, [this, &self, sleep = ++self.sleep] {
    if (self.is_asleep && self.sleep == sleep) Resume(self);
  });
  Switch(self.place, owner_);
  self.is_asleep = false;
}

void Strands::EndAll() {
  hurries_ = true;
  for (const auto& strand : strands_) {
    while (strand->task != nullptr) Resume(*strand);
  }
  hurries_ = false;
}

void Strands::Switch(Place& from, Place& to) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_start_switch_fiber(&from.fake_stack, to.bottom, to.size);
#endif
  swapcontext(&from.context, &to.context);
  // Between the owner and one strand, whoever that is: it comes from `to`, or,
  // in the owner, from the strand that it gave the thread to.
  Arrive(from, &to);
}

void Strands::Arrive(Place& here, Place* came_from) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(here.fake_stack, &came_from->bottom,
                                  &came_from->size);
#else
  (void)here;
  (void)came_from;
#endif
}

}  // namespace rehai::sim
