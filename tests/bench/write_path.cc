// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/write_path.h"

#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "chef/request_signer.h"
#include "tests/bench/forwarding_sink.h"

namespace rehai::bench {
namespace {

constexpr absl::Duration kPatience = absl::Minutes(5);

}  // namespace

// Counts what goes over the wire.
class CountingClient final : public chef::Client {
 public:
  struct Counts {
    std::atomic<int64_t> requests = 0;
    std::atomic<int64_t> body_bytes_sent = 0;
    std::atomic<int64_t> body_bytes_received = 0;
  };

  explicit CountingClient(std::unique_ptr<chef::Client> client)
      : client_(std::move(client)) {}

  void Send(
      chef::Request request,
      absl::AnyInvocable<void(absl::StatusOr<chef::Response>)> done) override {
    ++counts_.requests;
    counts_.body_bytes_sent += request.body.size();
    client_->Send(std::move(request),
                  [this, done = std::move(done)](
                      absl::StatusOr<chef::Response> response) mutable {
                    if (response.ok()) {
                      counts_.body_bytes_received += response->body.size();
                    }
                    done(std::move(response));
                  });
  }

  const std::string& server_url() const override {
    return client_->server_url();
  }
  const std::string& client_name() const override {
    return client_->client_name();
  }

  // What was counted since the last time.
  void Take(Round& round) {
    round.requests = counts_.requests.exchange(0);
    round.body_bytes_sent = counts_.body_bytes_sent.exchange(0);
    round.body_bytes_received = counts_.body_bytes_received.exchange(0);
  }

 private:
  Counts counts_;
  const std::unique_ptr<chef::Client> client_;
};

// Measures each write, and knows when all are done.
class TimingSink final : public ForwardingSink {
 public:
  using ForwardingSink::ForwardingSink;

  void Write(chef::NodeUpdate update,
             absl::AnyInvocable<void(chef::WriteResult)> done) override {
    const absl::Duration begin = Clock::Real().Uptime();
    ForwardingSink::Write(std::move(update),
                          [this, begin, done = std::move(done)](
                              chef::WriteResult result) mutable {
                            OnDone(Clock::Real().Uptime() - begin, result);
                            done(std::move(result));
                          });
  }

  // The latencies of the next `count` writes, or why one of them was none.
  absl::StatusOr<Latencies> Await(size_t count) {
    const absl::Duration deadline = Clock::Real().Uptime() + kPatience;
    MutexLock lock(mu_);
    awaited_ = count;
    while (writes_.count() < count && failure_.ok()) {
      if (Clock::Real().Uptime() >= deadline) {
        return absl::DeadlineExceededError(absl::StrCat(
            "only ", writes_.count(), " of ", count,
            " nodes were written within ", absl::FormatDuration(kPatience)));
      }
      Clock::Real().WaitUntil(deadline, mu_, changed_);
    }
    RETURN_IF_ERROR(failure_);
    return std::exchange(writes_, Latencies());
  }

 private:
  void OnDone(absl::Duration latency, const chef::WriteResult& result) {
    MutexLock lock(mu_);
    writes_.Add(latency);
    if (result.outcome != v1::WRITE_OUTCOME_WRITTEN && failure_.ok()) {
      failure_ = absl::InternalError(
          absl::StrCat("a node was not written but ended as ",
                       v1::WriteOutcome_Name(result.outcome), ": ",
                       result.status.message()));
    }
    // Once a round: in the controller nobody is woken up for each write.
    if (writes_.count() >= awaited_ || !failure_.ok()) changed_.NotifyAll();
  }

  Mutex mu_;
  CondVar changed_;
  size_t awaited_ ABSL_GUARDED_BY(mu_) = 0;
  Latencies writes_ ABSL_GUARDED_BY(mu_);
  absl::Status failure_ ABSL_GUARDED_BY(mu_);
};

namespace {

Syncer::Options Unlimited(int connections,
                          const chef::RenderingOptions& renderings) {
  Syncer::Options options;
  options.renderings = renderings;
  options.window = absl::ZeroDuration();
  options.sweep_interval = absl::ZeroDuration();
  options.limits = {.requests_per_second = 1e9,
                    .request_burst = 1'000'000'000,
                    .bytes_per_second = 1'000'000'000'000,
                    .byte_burst = 1'000'000'000'000,
                    .max_in_flight = connections,
                    .server_share = 1};
  return options;
}

}  // namespace

absl::StatusOr<std::unique_ptr<WritePath>> WritePath::Create(
    const lab::Knife::Options& account, int connections,
    const chef::RenderingOptions& renderings,
    const std::vector<std::string>& nodes) {
  ASSIGN_OR_RETURN(const std::string key, ReadFile(account.client_key_file));
  ASSIGN_OR_RETURN(
      chef::RequestSigner signer,
      chef::RequestSigner::Create(account.client_name,
                                  absl::string_view(key.data(), key.size()),
                                  chef::SignVersion::k1_3));
  chef::Client::Options options;
  options.server_url = account.server_url;
  options.ca_file = account.ca_file;
  options.max_connections = connections;
  ASSIGN_OR_RETURN(
      std::unique_ptr<chef::Client> client,
      chef::Client::Create(options, std::move(signer), Clock::Real()));
  std::unique_ptr<WritePath> path(
      new WritePath(std::move(client), connections, renderings));
  for (const std::string& node : nodes) {
    path->inventory_.AddHost(HostId{node}, {});
  }
  path->syncer_.Start();
  return path;
}

WritePath::WritePath(std::unique_ptr<chef::Client> client, int connections,
                     const chef::RenderingOptions& renderings)
    : client_(std::make_unique<CountingClient>(std::move(client))),
      writer_(chef::NodeWriter::Options(), *client_, Clock::Real()),
      sink_(std::make_unique<TimingSink>(writer_)),
      inventory_(Clock::Real()),
      syncer_(Unlimited(connections, renderings), inventory_, *sink_,
              Clock::Real()) {
  inventory_.AddListener(
      [this](const Change& change) { syncer_.OnChange(change); });
}

WritePath::~WritePath() { syncer_.Stop(); }

absl::StatusOr<Round> WritePath::Run(
    absl::Span<const v1::Observation> observations) {
  Round round;
  client_->Take(round);
  const absl::Duration begin = Clock::Real().Uptime();
  for (const v1::Observation& observation : observations) {
    RETURN_IF_ERROR(inventory_.Observe(observation).status());
  }
  ASSIGN_OR_RETURN(round.writes, sink_->Await(observations.size()));
  round.elapsed = Clock::Real().Uptime() - begin;
  client_->Take(round);
  return round;
}

}  // namespace rehai::bench
