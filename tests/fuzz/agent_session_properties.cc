// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/fake_clock.h"
#include "base/log.h"
#include "chef/rendering.h"
#include "controller/inventory/inventory.h"
#include "controller/source/agent_hosts.h"
#include "controller/source/agent_observation.h"
#include "controller/source/agent_sessions.h"
#include "proto/ids.h"
#include "rehai/v1/agent.pb.h"
#include "tests/fuzz/property.h"

namespace rehai {
namespace {

constexpr size_t kMostMessages = 50;

const HostId& Host() {
  static const auto* const host = new HostId{"hv1"};
  return *host;
}

// A stream that remembers how it was answered.
class HeardStream final : public AgentStream {
 public:
  void Send(v1::SessionResponse message) override {
    if (message.has_ack()) acknowledged_.push_back(message.ack().sequence());
  }
  void Finish(const absl::Status& status) override {
    ++ends_;
    end_ = status;
  }

  size_t acknowledgements() const { return acknowledged_.size(); }
  int64_t last_acknowledged() const {
    return acknowledged_.empty() ? 0 : acknowledged_.back();
  }
  int ends() const { return ends_; }
  const absl::Status& end() const { return end_; }

 private:
  std::vector<int64_t> acknowledged_;
  int ends_ = 0;
  absl::Status end_;
};

// Takes what agents say into an inventory, the newest session's only. Epochs
// are 1, 2, 3.
class SpokenHosts final : public AgentHosts {
 public:
  explicit SpokenHosts(Inventory& inventory) : inventory_(inventory) {}

  absl::StatusOr<Admission> Came(const HostId& host, int64_t last_session,
                                 std::shared_ptr<Agent> agent) override {
    if (host != Host()) return absl::NotFoundError("no such host");
    const std::shared_ptr<Agent> older = std::exchange(agent_, agent);
    if (older != nullptr) older->Dismiss(absl::AbortedError("another came"));
    const bool resumes = last_session != 0 && last_session == told_by_;
    return Admission{.session = ++session_, .resumes = resumes};
  }
  absl::Status Saw(const HostId& host, int64_t session, v1::Observation seen,
                   const std::vector<int64_t>& answers) override {
    if (session != session_) return absl::AbortedError("another came");
    told_by_ = session;
    seen.set_node(host.node);
    seen.set_session(session);
    seen.set_sequence(++sequence_);
    return inventory_.Observe(seen).status();
  }
  void CannotRead(const HostId& host, int64_t session,
                  const absl::Status& why) override {
    if (why.ok() || !CanBeSent(why.message())) broken_ = "no reason to be told";
  }
  void Went(const HostId& host, int64_t session,
            const absl::Status& why) override {
    if (session == session_) agent_ = nullptr;
  }

  const std::string& broken() const { return broken_; }

 private:
  Inventory& inventory_;
  std::shared_ptr<Agent> agent_;
  int64_t session_ = 0;
  int64_t told_by_ = 0;
  int64_t sequence_ = 0;
  std::string broken_;
};

std::string BrokenRecord(const Inventory& inventory, const v1::Record& record) {
  const std::string* before = nullptr;
  for (const v1::Guest& guest : record.guests()) {
    if (!IsCanonicalUuid(guest.uuid())) return "a guest without a UUID";
    if (before != nullptr && *before >= guest.uuid()) {
      return "guests out of order, or twice";
    }
    before = &guest.uuid();
    const auto found = inventory.FindGuest({guest.uuid()});
    if (!found.has_value() || found->guest->uuid() != guest.uuid()) {
      return "a guest that is not found";
    }
  }
  v1::Record received;
  if (!received.ParseFromString(record.SerializeAsString())) {
    return "a record that cannot be sent";
  }
  return "";
}

chef::Rendering Rendered(const v1::Record& record, bool volatile_values) {
  return chef::Render(record, {.kvm_extensions = true,
                               .ohai_libvirt = true,
                               .rehai = true,
                               .volatile_values = volatile_values});
}

// What is believed of the host, as it goes into Chef.
std::string BrokenRendering(const v1::Record& record) {
  for (const chef::Subtree& subtree : Rendered(record, true).subtrees) {
    if (subtree.json.has_value() && !IsJson(*subtree.json)) {
      return "a rendering that is no JSON";
    }
  }
  return "";
}

// A controller as far as an agent sees it.
class Listening {
 public:
  Listening() {
    log::Configure(log::Level::kError, log::Format::kText);
    inventory_.AddHost(Host(), {});
    AgentSessions::Options options;
    options.settings.mutable_heartbeat_interval()->set_seconds(10);
    sessions_ = std::make_unique<AgentSessions>(
        options, hosts_, [](const HostId&, v1::OhaiResult) {}, clock_);
  }

  // The agent says it, in a new stream if it is a hello or the last one ended.
  // Then what does not hold.
  std::string Say(v1::SessionRequest message) {
    const bool twice = message.hello().agent_version() == "twice";
    if (stream_ == nullptr || stream_->ends() > 0 ||
        (message.has_hello() && !twice)) {
      stream_ = std::make_shared<HeardStream>();
      session_ = sessions_->Open({}, stream_);
    }
    const Revision before = inventory_.revision();
    const RecordPtr record_before = inventory_.Find(Host());
    const size_t acknowledgements = stream_->acknowledgements();
    const int64_t sequence = message.report().sequence();
    session_->Received(std::move(message));
    clock_.Advance(absl::Seconds(1));
    sessions_->Tick();
    return BrokenBy(before, record_before, acknowledgements, sequence);
  }

 private:
  std::string BrokenBy(Revision before, const RecordPtr& record_before,
                       size_t acknowledgements, int64_t sequence) const {
    if (!hosts_.broken().empty()) return hosts_.broken();
    if (stream_->ends() > 1) return "a stream that ends twice";
    if (stream_->ends() == 1 && !stream_->end().ok()) {
      std::string broken = BrokenError(stream_->end());
      if (!broken.empty()) return broken;
    }
    const bool taken = stream_->acknowledgements() > acknowledgements;
    if (taken && stream_->last_acknowledged() != sequence) {
      return "another report is acknowledged";
    }
    const RecordPtr record = inventory_.Find(Host());
    if (record == nullptr) return "the host is gone";
    if (!taken && record != record_before) {
      return "a report that is not acknowledged has changed the host";
    }
    if (inventory_.revision() < before) return "a revision that shrinks";
    // Without one, what is believed was confirmed only.
    if (inventory_.revision() == before &&
        Rendered(*record, false).digest !=
            Rendered(*record_before, false).digest) {
      return "a change without a revision";
    }
    if (record == record_before) return "";
    std::string broken = BrokenRecord(inventory_, *record);
    return broken.empty() ? BrokenRendering(*record) : broken;
  }

  FakeClock clock_;
  Inventory inventory_{clock_};
  SpokenHosts hosts_{inventory_};
  std::unique_ptr<AgentSessions> sessions_;
  std::shared_ptr<HeardStream> stream_;
  std::unique_ptr<AgentSessions::Session> session_;
};

}  // namespace

// The input is what an agent sends: SessionRequests in protobuf's bytes,
// "%next%" between two.
//   - A stream ends once at most, with words that fit into gRPC's trailers.
//   - What is not acknowledged has changed nothing; what is, is what was sent.
//   - The host's guests have UUIDs, in their order, each once, and are found by
//     them; the revision grows with each change that would be written.
//   - What is believed of the host can be sent and rendered.
std::string BrokenProperty(absl::string_view input) {
  Listening listening;
  absl::string_view rest = input;
  for (size_t i = 0; i < kMostMessages && !rest.empty(); ++i) {
    const absl::string_view part = TakePart(rest, "%next%");
    v1::SessionRequest message;
    // gRPC ends the stream here.
    if (!message.ParseFromArray(part.data(), static_cast<int>(part.size()))) {
      continue;
    }
    std::string broken = listening.Say(std::move(message));
    if (!broken.empty()) return absl::StrCat("message ", i, ": ", broken);
  }
  return "";
}

}  // namespace rehai
