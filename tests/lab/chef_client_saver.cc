// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/chef_client_saver.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/clock.h"

namespace rehai::lab {
namespace {

// The same on every library, unlike the standard's distributions: in [0, 1).
double Fraction(std::mt19937_64& random) {
  return static_cast<double>(random() >> 11) / 9007199254740992.0;
}

absl::Duration Between(absl::Duration low, absl::Duration high,
                       std::mt19937_64& random) {
  return low + Fraction(random) * (high - low);
}

// The message about a run's end comes this long after its save began.
constexpr absl::Duration kReportMin = absl::Milliseconds(35);
constexpr absl::Duration kReportMax = absl::Milliseconds(80);

}  // namespace

ChefClientSaver::ChefClientSaver(Options options)
    : options_(std::move(options)) {
  MutexLock lock(mu_);
  const absl::Duration now = Clock::Real().Uptime();
  for (size_t i = 0; i < options_.hosts.size(); ++i) {
    auto client = std::make_unique<Client>();
    client->host = &options_.hosts[i];
    client->random.seed(options_.seed * 1'000'003 + i);
    const absl::Duration first =
        Between(absl::ZeroDuration(), options_.interval + options_.splay,
                client->random);
    due_.emplace(now + first, std::move(client));
    ++live_clients_;
  }
  for (int i = 0; i < options_.threads; ++i) {
    threads_.emplace_back([this] { Work(); });
  }
}

ChefClientSaver::~ChefClientSaver() { Stop(); }

void ChefClientSaver::Stop() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

bool ChefClientSaver::AwaitEnd(absl::Duration timeout) {
  const absl::Duration deadline = Clock::Real().Uptime() + timeout;
  MutexLock lock(mu_);
  while (live_clients_ > 0 && Clock::Real().Uptime() < deadline) {
    Clock::Real().WaitUntil(deadline, mu_, changed_);
  }
  return live_clients_ == 0;
}

std::vector<ChefClientRun::Log> ChefClientSaver::Runs() const {
  MutexLock lock(mu_);
  return ended_;
}

void ChefClientSaver::Work() {
  while (std::unique_ptr<Client> client = Next()) {
    const absl::Duration wait = Take(*client);
    MutexLock lock(mu_);
    if (client->next == Step::kBegin) {
      ended_.push_back(client->run->log());
      client->run = nullptr;
    }
    due_.emplace(Clock::Real().Uptime() + wait, std::move(client));
    changed_.NotifyAll();
  }
}

std::unique_ptr<ChefClientSaver::Client> ChefClientSaver::Next() {
  MutexLock lock(mu_);
  while (live_clients_ > 0) {
    if (due_.empty()) {
      changed_.Wait(mu_);
      continue;
    }
    const auto first = due_.begin();
    if (HasEnded(*first->second)) {
      due_.erase(first);
      --live_clients_;
      changed_.NotifyAll();
    } else if (Clock::Real().Uptime() < first->first) {
      Clock::Real().WaitUntil(first->first, mu_, changed_);
    } else {
      std::unique_ptr<Client> client = std::move(first->second);
      due_.erase(first);
      return client;
    }
  }
  return nullptr;
}

bool ChefClientSaver::HasEnded(const Client& client) const {
  if (client.next != Step::kBegin) return false;
  return stopping_ ||
         (options_.runs_per_host > 0 && client.runs >= options_.runs_per_host);
}

absl::Duration ChefClientSaver::Take(Client& client) {
  switch (client.next) {
    case Step::kBegin:
      client.run = std::make_unique<ChefClientRun>(*client.host, Draw(client));
      client.run->Begin();
      client.next = Step::kSave;
      return Between(options_.converge_min, options_.converge_max,
                     client.random);
    case Step::kSave: {
      const absl::Duration put_begin = Clock::Real().Uptime();
      client.run->Save();
      client.next = Step::kReport;
      const absl::Duration report =
          put_begin + Between(kReportMin, kReportMax, client.random);
      return std::max(absl::ZeroDuration(), report - Clock::Real().Uptime());
    }
    case Step::kReport:
      client.run->Report();
      client.next = Step::kBegin;
      ++client.runs;
      return options_.interval +
             Between(absl::ZeroDuration(), options_.splay, client.random);
  }
  return absl::ZeroDuration();
}

ChefClientRun::Plan ChefClientSaver::Draw(Client& client) const {
  ChefClientRun::Plan plan;
  const uint64_t high = client.random();
  const uint64_t low = client.random();
  plan.run_id = absl::StrFormat("%08x-%04x-4%03x-8%03x-%012x", high >> 32,
                                high >> 16 & 0xffff, high & 0xfff,
                                low >> 48 & 0xfff, low & 0xffffffffffff);
  const double kind = Fraction(client.random);
  if (kind < options_.failed_share) {
    plan.kind = ChefClientRun::Kind::kFailed;
  } else if (kind < options_.failed_share + options_.override_share) {
    plan.kind = ChefClientRun::Kind::kOverride;
  }
  if (Fraction(client.random) < options_.secret_share) {
    plan.new_secret = absl::StrCat("run", client.runs);
  }
  return plan;
}

}  // namespace rehai::lab
