// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Thousands of agents and one controller, as operators run it: how long until
// all are in, what each takes up, what they cost when guests change and when
// they do not, and what happens when the controller dies. The agents are this
// process; the controller, Chef and the peer have processes of their own.
// docs/benchmarks.md says how to read it.

#include <grpcpp/grpcpp.h>
#include <signal.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "rehai/v1/chef.grpc.pb.h"
#include "rehai/v1/source.grpc.pb.h"
#include "tests/bench/cpu_time.h"
#include "tests/bench/echo_streams.h"
#include "tests/bench/latencies.h"
#include "tests/bench/most_within.h"
#include "tests/bench/result_line.h"
#include "tests/bench/sample_fleet.h"
#include "tests/bench/target.h"
#include "tests/fakes/certificates.h"
#include "tests/fakes/self_signed_certificate.h"
#include "tests/fleet/footprint.h"
#include "tests/fleet/recorder.h"
#include "tests/lab/agent_fleet.h"
#include "tests/lab/controller_process.h"
#include "tests/lab/flat_libvirtd.h"
#include "tests/lab/guest_xml.h"
#include "tests/lab/loopback.h"
#include "tests/lab/process.h"
#include "tests/lab/runfile.h"
#include "tests/lab/temp_folder.h"
#include "tests/lab/virsh.h"

ABSL_FLAG(int, agents, 2000, "How many agents.");
ABSL_FLAG(int, guests, 25, "Guests of each.");
ABSL_FLAG(int, seconds, 30, "How long guests change, and how long nothing is.");
ABSL_FLAG(double, reports_per_second, 100, "Over all agents.");
ABSL_FLAG(double, sessions_per_second, 200,
          "The controller's agents.sessions_per_second.");
ABSL_FLAG(int, real_guests, 100, "Guests beside the real agent; 0: no such.");
ABSL_FLAG(int, node_bytes, 2048, "Of a node without what is Rehai's.");
ABSL_FLAG(std::string, stand_in_folder, "",
          "For this program's own use: be the Chef server.");
ABSL_FLAG(std::string, echo_folder, "",
          "For this program's own use: be the echo server.");

namespace rehai::bench {
namespace {

using nlohmann::ordered_json;

constexpr absl::Duration kPatience = absl::Minutes(5);
constexpr char kRealNode[] = "real";
// How many agents there are at once when they come by turns.
constexpr int kTurn = 50;

absl::Duration Now() { return Clock::Real().Uptime(); }

double Seconds(absl::Duration duration) {
  return Rounded(absl::ToDoubleSeconds(duration));
}

double Share(absl::Duration cpu, absl::Duration of) {
  return std::max(0.0, absl::FDivDuration(cpu, of));
}

ordered_json ToJson(const fleet::Footprint& footprint) {
  return {{"threads", footprint.threads},
          {"descriptors", footprint.descriptors},
          {"resident_kib", footprint.resident_kib},
          {"private_kib", footprint.private_kib}};
}

absl::Status Write(const std::string& path, const std::string& text) {
  return WriteFileAtomically(path, absl::string_view(text.data(), text.size()),
                             0600);
}

// The controller, whom it knows, and its Chef server.
class Site {
 public:
  static absl::StatusOr<std::unique_ptr<Site>> Start(
      const std::string& program) {
    ASSIGN_OR_RETURN(auto folder, lab::TempFolder::Create("site"));
    ASSIGN_OR_RETURN(lab::ReservedPort port, lab::ReservedPort::Take());
    std::unique_ptr<Site> site(new Site(std::move(folder), std::move(port)));
    RETURN_IF_ERROR(site->WriteFiles());
    ASSIGN_OR_RETURN(site->chef_, StartStandIn(program));
    return site;
  }

  lab::AgentFleet::Options FleetOptions() const {
    return {.controller = absl::StrCat("127.0.0.1:", port_.number()),
            .agents = absl::GetFlag(FLAGS_agents),
            .guests = absl::GetFlag(FLAGS_guests),
            .controller_ca_pem = server_.certificate_pem,
            .authority = authority_};
  }

  absl::Status AddNode(const std::string& node) {
    nodes_.push_back({.node = node, .uri = ""});
    const std::string document =
        SampleNode(node, absl::GetFlag(FLAGS_node_bytes));
    return chef_->CreateNode(
        absl::string_view(document.data(), document.size()));
  }

  // A new one, which knows nothing.
  absl::Status StartController() {
    recorder_.reset();
    controller_.reset();
    ASSIGN_OR_RETURN(
        controller_,
        lab::ControllerProcess::Start(
            chef_->account(),
            {.hosts = nodes_,
             .kvm_extensions = false,
             .ohai_libvirt = false,
             .more_config = absl::StrCat(
                 "agents:\n  listen: 127.0.0.1:", port_.number(),
                 "\n  tls: {certificate_file: ", *folder_ / "server.pem",
                 ", key_file: ", *folder_ / "server.key", ", client_ca_file: ",
                 *folder_ / "agents.pem", "}\n  sessions_per_second: ",
                 absl::GetFlag(FLAGS_sessions_per_second), "\n")}));
    return Watch();
  }

  // As a machine that loses power; and on it comes again.
  absl::Status KillController() {
    recorder_.reset();
    controller_->process().Signal(SIGKILL);
    RETURN_IF_ERROR(controller_->process().Wait(absl::Seconds(10)).status());
    return absl::OkStatus();
  }
  absl::Status RestartController() {
    RETURN_IF_ERROR(controller_->Restart());
    return Watch();
  }

  // Lets all that waits be written without haste made.
  absl::Status AwaitWritten() {
    v1::ChefSetLimitsRequest hurry;
    hurry.mutable_limits()->set_requests_per_second(10'000);
    hurry.mutable_limits()->set_request_burst(10'000);
    hurry.mutable_limits()->set_bytes_per_second(1'000'000'000);
    hurry.mutable_limits()->set_byte_burst(1'000'000'000);
    hurry.mutable_limits()->set_server_share(1);
    ASSIGN_OR_RETURN(const v1::ChefLimits before, Limits());
    RETURN_IF_ERROR(SetLimits(hurry));
    RETURN_IF_ERROR(lab::WaitUntil(
        kPatience,
        [this]() -> absl::Status {
          ASSIGN_OR_RETURN(const int64_t waiting, Unwritten());
          if (waiting == 0) return absl::OkStatus();
          return absl::UnavailableError(
              absl::StrCat(waiting, " nodes are to be written"));
        },
        absl::Milliseconds(200)));
    v1::ChefSetLimitsRequest as_before;
    *as_before.mutable_limits() = before;
    return SetLimits(as_before);
  }

  // What the agent of `node` shows, in files.
  absl::Status WriteCertificate(const std::string& node) {
    const TestCertificate certificate = MakeTestCertificate(
        authority_, absl::StrCat("URI:rehai:node:", node), Clock::Real().Now());
    RETURN_IF_ERROR(
        Write(*folder_ / (node + ".pem"), certificate.certificate_pem));
    return Write(*folder_ / (node + ".key"), certificate.key_pem);
  }

  absl::StatusOr<absl::Duration> ControllerCpu() {
    return CpuTimeOf(controller_->process().pid());
  }
  absl::StatusOr<fleet::Footprint> ControllerFootprint() {
    return fleet::FootprintOf(controller_->process().pid());
  }
  // When the sessions that are open began, by the controller's clock.
  absl::StatusOr<std::vector<absl::Duration>> SessionBegins() {
    std::vector<absl::Duration> begins;
    v1::ListAgentsRequest request;
    request.set_page_size(1000);
    do {
      grpc::ClientContext context;
      v1::ListAgentsResponse response;
      RETURN_IF_ERROR(
          FromGrpc(source_->ListAgents(&context, request, &response)));
      for (const v1::AgentState& agent : response.agents()) {
        if (agent.connected()) {
          begins.push_back(rehai::FromProto(agent.since()) - absl::UnixEpoch());
        }
      }
      request.set_page_token(response.next_page_token());
    } while (!request.page_token().empty());
    return begins;
  }
  absl::StatusOr<int64_t> ChefRequests() {
    ASSIGN_OR_RETURN(const v1::ChefStatus status, ChefStatus());
    return status.requests();
  }

  fleet::Recorder& recorder() { return *recorder_; }
  const lab::TempFolder& folder() const { return *folder_; }
  int agents_port() const { return port_.number(); }

 private:
  Site(std::unique_ptr<lab::TempFolder> folder, lab::ReservedPort port)
      : folder_(std::move(folder)),
        port_(std::move(port)),
        authority_(MakeTestAuthority(Clock::Real().Now())),
        server_(MakeSelfSignedCertificate()) {}

  absl::Status WriteFiles() {
    RETURN_IF_ERROR(Write(*folder_ / "server.pem", server_.certificate_pem));
    RETURN_IF_ERROR(Write(*folder_ / "server.key", server_.key_pem));
    return Write(*folder_ / "agents.pem", authority_.certificate_pem);
  }

  absl::Status Watch() {
    recorder_ = std::make_unique<fleet::Recorder>(controller_->address());
    const auto channel = grpc::CreateChannel(
        controller_->address(), grpc::InsecureChannelCredentials());
    chef_service_ = v1::Chef::NewStub(channel);
    source_ = v1::Source::NewStub(channel);
    return absl::OkStatus();
  }

  static absl::Status FromGrpc(const grpc::Status& status) {
    if (status.ok()) return absl::OkStatus();
    return absl::InternalError(
        absl::StrCat("the controller's API: ", status.error_message()));
  }

  absl::StatusOr<v1::ChefStatus> ChefStatus() {
    grpc::ClientContext context;
    v1::ChefStatusResponse response;
    RETURN_IF_ERROR(FromGrpc(chef_service_->Status(&context, {}, &response)));
    return response.status();
  }
  absl::StatusOr<v1::ChefLimits> Limits() {
    ASSIGN_OR_RETURN(const v1::ChefStatus status, ChefStatus());
    return status.limits();
  }
  absl::Status SetLimits(const v1::ChefSetLimitsRequest& request) {
    grpc::ClientContext context;
    v1::ChefSetLimitsResponse response;
    return FromGrpc(chef_service_->SetLimits(&context, request, &response));
  }
  absl::StatusOr<int64_t> Unwritten() {
    ASSIGN_OR_RETURN(const v1::ChefStatus status, ChefStatus());
    int64_t waiting = status.in_flight();
    for (const v1::LaneStatus& lane : status.lanes()) waiting += lane.waiting();
    return waiting;
  }

  // Set at construction.
  const std::unique_ptr<lab::TempFolder> folder_;
  const lab::ReservedPort port_;
  const TestAuthority authority_;
  const SelfSignedCertificate server_;

  std::vector<lab::WatchedHost> nodes_;
  std::unique_ptr<Target> chef_;
  std::unique_ptr<lab::ControllerProcess> controller_;
  std::unique_ptr<fleet::Recorder> recorder_;
  std::unique_ptr<v1::Chef::Stub> chef_service_;
  std::unique_ptr<v1::Source::Stub> source_;
};

// All that is measured, in the order in which it is.
class Benchmark {
 public:
  explicit Benchmark(std::string program) : program_(std::move(program)) {}

  absl::StatusOr<ordered_json> Run() {
    RETURN_IF_ERROR(Prepare());
    RETURN_IF_ERROR(MeasureSync());
    RETURN_IF_ERROR(MeasureChanges());
    RETURN_IF_ERROR(MeasureQuiet());
    RETURN_IF_ERROR(MeasureStorm());
    RETURN_IF_ERROR(MeasureMemory());
    RETURN_IF_ERROR(MeasureRealAgent());
    RETURN_IF_ERROR(MeasurePeer());
    return result_;
  }

 private:
  absl::Status Prepare() {
    Progress(absl::StrCat("preparing ", agents_, " agents"));
    ASSIGN_OR_RETURN(site_, Site::Start(program_));
    ASSIGN_OR_RETURN(fleet_, lab::AgentFleet::Create(site_->FleetOptions()));
    for (int i = 0; i < agents_; ++i) {
      RETURN_IF_ERROR(site_->AddNode(fleet_->node(i)));
    }
    RETURN_IF_ERROR(site_->AddNode(kRealNode));
    return site_->StartController();
  }

  absl::Status AwaitCurrent() {
    return site_->recorder().Await(
        kPatience, [this](const fleet::Recorder::Records& records) {
          return fleet::AreCurrent(records, agents_);
        });
  }

  // From the first connection until the API shows every host.
  absl::Status MeasureSync() {
    Progress("all agents come for the first time");
    ASSIGN_OR_RETURN(fresh_, site_->ControllerFootprint());
    result_["without_agents"] = ToJson(fresh_);
    ASSIGN_OR_RETURN(const absl::Duration cpu_before, site_->ControllerCpu());
    const absl::Duration own_before = OwnCpuTime();
    const absl::Duration begun = Now();
    fleet_->StartAll();
    RETURN_IF_ERROR(fleet_->AwaitSynced(kPatience));
    const absl::Duration acknowledged = Now() - begun;
    RETURN_IF_ERROR(AwaitCurrent());
    const absl::Duration current = Now() - begun;
    const absl::Duration own = OwnCpuTime() - own_before;
    ASSIGN_OR_RETURN(const absl::Duration cpu_after, site_->ControllerCpu());
    ASSIGN_OR_RETURN(const int64_t requests, site_->ChefRequests());
    ASSIGN_OR_RETURN(const size_t most, MostBegins());
    const lab::AgentFleet::Counts counts = fleet_->counts();
    result_["sync"] = {
        {"seconds", Seconds(current)},
        {"all_acknowledged_seconds", Seconds(acknowledged)},
        {"controller_cpu_seconds", Seconds(cpu_after - cpu_before)},
        {"agents_cpu_seconds", Seconds(own)},
        {"attempts", counts.attempts},
        {"most_sessions_in_a_second", most},
        {"chef_requests", requests}};
    Progress("all nodes are written");
    RETURN_IF_ERROR(site_->AwaitWritten());
    ASSIGN_OR_RETURN(connected_, site_->ControllerFootprint());
    ASSIGN_OR_RETURN(const fleet::Footprint own_now,
                     fleet::FootprintOf(getpid()));
    result_["connected"] = ToJson(connected_);
    result_["connected"]["agents_private_kib_per_agent"] =
        PerAgent(own_now.private_kib);
    return absl::OkStatus();
  }

  absl::StatusOr<size_t> MostBegins() {
    ASSIGN_OR_RETURN(const std::vector<absl::Duration> begins,
                     site_->SessionBegins());
    return MostWithin(begins, absl::Seconds(1));
  }
  double PerAgent(int64_t kib) const {
    return Rounded(static_cast<double>(kib) / agents_);
  }

  absl::Status MeasureChanges() {
    Progress("guests change");
    fleet_->TakeChanges();
    const int64_t reports_before = fleet_->counts().reports;
    ASSIGN_OR_RETURN(const int64_t requests_before, site_->ChefRequests());
    ASSIGN_OR_RETURN(const absl::Duration cpu_before, site_->ControllerCpu());
    const absl::Duration own_before = OwnCpuTime();
    const absl::Duration begun = Now();
    const double rate = absl::GetFlag(FLAGS_reports_per_second);
    const int wanted = static_cast<int>(rate * absl::GetFlag(FLAGS_seconds));
    for (int made = 0; made < wanted; ++made) {
      absl::SleepFor(begun + made * absl::Seconds(1 / rate) - Now());
      fleet_->Change(made % agents_);
    }
    const absl::Duration took = Now() - begun;
    ASSIGN_OR_RETURN(const absl::Duration cpu_after, site_->ControllerCpu());
    ASSIGN_OR_RETURN(const int64_t requests_after, site_->ChefRequests());
    const absl::Duration own = OwnCpuTime() - own_before;
    RETURN_IF_ERROR(fleet_->AwaitSynced(kPatience));
    result_["changes"] = {
        {"made", wanted},
        {"per_second", Rounded(wanted / absl::ToDoubleSeconds(took))},
        {"reports", fleet_->counts().reports - reports_before},
        {"controller_cpu_share", Rounded(Share(cpu_after - cpu_before, took))},
        {"agents_cpu_share", Rounded(Share(own, took))},
        {"chef_requests", requests_after - requests_before}};
    return AddLatencies();
  }

  // Of the changes: until the agent was told that they are known, and until
  // the watch showed them.
  absl::Status AddLatencies() {
    const std::vector<lab::AcknowledgedChange> changes = fleet_->TakeChanges();
    RETURN_IF_ERROR(AwaitShown());
    Latencies acknowledged;
    Latencies shown;
    int missing = 0;
    for (const lab::AcknowledgedChange& change : changes) {
      acknowledged.Add(change.acknowledged - change.changed);
      const auto at =
          site_->recorder().ShownAt(fleet_->node(change.agent), change.uuid,
                                    change.state, change.changed);
      if (at.has_value()) {
        shown.Add(*at - change.changed);
      } else {
        ++missing;
      }
    }
    ordered_json& json = result_["changes"];
    json["change_to_acknowledged_ms"] = acknowledged.ToJson();
    json["change_to_record_ms"] = shown.ToJson();
    json["missing"] = missing;
    return absl::OkStatus();
  }

  // The watch shows every guest as it is.
  absl::Status AwaitShown() {
    return site_->recorder().Await(
        kPatience, [this](const fleet::Recorder::Records& records) {
          for (int i = 0; i < agents_; ++i) {
            const auto record = records.find(fleet_->node(i));
            const std::vector<v1::Guest> guests = fleet_->guests(i);
            if (record == records.end() ||
                !std::equal(guests.begin(), guests.end(),
                            record->second.guests().begin(),
                            record->second.guests().end(),
                            [](const v1::Guest& is, const v1::Guest& shown) {
                              return is.uuid() == shown.uuid() &&
                                     is.state() == shown.state();
                            })) {
              return absl::UnavailableError(
                  absl::StrCat(fleet_->node(i), " is not shown as it is"));
            }
          }
          return absl::OkStatus();
        });
  }

  // Nothing but heartbeats, and what the controller does of itself.
  absl::Status MeasureQuiet() {
    RETURN_IF_ERROR(site_->AwaitWritten());
    Progress("nothing happens");
    ASSIGN_OR_RETURN(const absl::Duration cpu_before, site_->ControllerCpu());
    const absl::Duration own_before = OwnCpuTime();
    const absl::Duration begun = Now();
    absl::SleepFor(absl::Seconds(absl::GetFlag(FLAGS_seconds)));
    const absl::Duration took = Now() - begun;
    ASSIGN_OR_RETURN(const absl::Duration cpu_after, site_->ControllerCpu());
    result_["quiet"] = {
        {"controller_cpu_share", Rounded(Share(cpu_after - cpu_before, took))},
        {"agents_cpu_share", Rounded(Share(OwnCpuTime() - own_before, took))}};
    return absl::OkStatus();
  }

  absl::Status MeasureStorm() {
    Progress("the controller is killed");
    const lab::AgentFleet::Counts before = fleet_->counts();
    const absl::Duration own_before = OwnCpuTime();
    const absl::Duration killed = Now();
    RETURN_IF_ERROR(site_->KillController());
    RETURN_IF_ERROR(
        fleet_->Await(kPatience, [](const lab::AgentFleet::Counts& counts) {
          return counts.open == 0;
        }));
    RETURN_IF_ERROR(site_->RestartController());
    const absl::Duration restarted = Now();
    RETURN_IF_ERROR(fleet_->AwaitSynced(kPatience));
    const absl::Duration synced = Now();
    RETURN_IF_ERROR(AwaitCurrent());
    ASSIGN_OR_RETURN(const absl::Duration cpu, site_->ControllerCpu());
    ASSIGN_OR_RETURN(const size_t most, MostBegins());
    const lab::AgentFleet::Counts after = fleet_->counts();
    result_["storm"] = {
        {"away_seconds", Seconds(restarted - killed)},
        {"seconds", Seconds(synced - restarted)},
        {"controller_cpu_seconds", Seconds(cpu)},
        {"agents_cpu_seconds", Seconds(OwnCpuTime() - own_before)},
        {"attempts", after.attempts - before.attempts},
        {"sessions", after.opened - before.opened},
        {"most_sessions_in_a_second", most}};
    return absl::OkStatus();
  }

  // What an agent's session takes up beside its host's record: a controller
  // that has heard every agent, a few at a time, before all come, and after;
  // and when all have left.
  absl::Status MeasureMemory() {
    Progress("agents come by turns");
    fleet_->StopAll();
    RETURN_IF_ERROR(site_->StartController());
    for (int first = 0; first < agents_; first += kTurn) {
      const int last = std::min(first + kTurn, agents_);
      for (int i = first; i < last; ++i) fleet_->Start(i);
      RETURN_IF_ERROR(
          fleet_->Await(kPatience, [&](const lab::AgentFleet::Counts& counts) {
            return counts.synced == last - first;
          }));
      for (int i = first; i < last; ++i) fleet_->Stop(i);
    }
    RETURN_IF_ERROR(site_->AwaitWritten());
    ASSIGN_OR_RETURN(const fleet::Footprint records,
                     site_->ControllerFootprint());
    fleet_->StartAll();
    RETURN_IF_ERROR(fleet_->AwaitSynced(kPatience));
    RETURN_IF_ERROR(site_->AwaitWritten());
    ASSIGN_OR_RETURN(const fleet::Footprint all, site_->ControllerFootprint());
    fleet_->StopAll();
    RETURN_IF_ERROR(lab::WaitUntil(kPatience, [&]() -> absl::Status {
      ASSIGN_OR_RETURN(const fleet::Footprint now,
                       site_->ControllerFootprint());
      if (now.descriptors <= records.descriptors + 8) return absl::OkStatus();
      return absl::UnavailableError("connections are still open");
    }));
    ASSIGN_OR_RETURN(const fleet::Footprint left, site_->ControllerFootprint());
    result_["memory_kib_per_agent"] = {
        {"beside_its_record",
         PerAgent(connected_.private_kib - records.private_kib)},
        {"beside_its_record_later",
         PerAgent(all.private_kib - records.private_kib)},
        {"record", PerAgent(records.private_kib - fresh_.private_kib)},
        {"returned_when_it_leaves",
         PerAgent(all.private_kib - left.private_kib)}};
    return absl::OkStatus();
  }

  // The agent's own program, beside a hypervisor with many guests.
  absl::Status MeasureRealAgent() {
    const int guests = absl::GetFlag(FLAGS_real_guests);
    if (guests == 0) return absl::OkStatus();
    Progress("the real agent");
    ASSIGN_OR_RETURN(const auto libvirtd, lab::FlatLibvirtd::Start());
    // The test driver has one of its own.
    for (int i = 1; i < guests; ++i) {
      const std::string name = absl::StrFormat("web%03d", i);
      RETURN_IF_ERROR(
          lab::RunVirsh(libvirtd->uri(), {"define", "/dev/stdin"},
                        lab::GuestXml(lab::Driver::kTest, {.name = name}))
              .status());
      RETURN_IF_ERROR(libvirtd->Virsh({"start", name}).status());
    }
    RETURN_IF_ERROR(site_->WriteCertificate(kRealNode));
    ASSIGN_OR_RETURN(const std::string program,
                     lab::Runfile("agent/rehai-agent"));
    const lab::TempFolder& folder = site_->folder();
    ASSIGN_OR_RETURN(
        const auto agent,
        lab::Process::Start(
            {.argv = {program, "--node_name", kRealNode, "--uri",
                      libvirtd->uri(), "--controller",
                      absl::StrCat("127.0.0.1:", site_->agents_port()),
                      "--controller_ca", folder / "server.pem", "--certificate",
                      folder / "real.pem", "--certificate_key",
                      folder / "real.key", "--state_folder",
                      folder / "real-state"},
             .log_file = folder / "real-log"}));
    RETURN_IF_ERROR(agent->WaitUntilReady(
        absl::Minutes(1),
        [&]() -> absl::Status {
          const auto records = site_->recorder().records();
          const auto record = records.find(kRealNode);
          if (record != records.end() &&
              record->second.guests_size() == guests) {
            return absl::OkStatus();
          }
          return absl::UnavailableError("its record does not show its guests");
        },
        absl::Milliseconds(100)));
    ASSIGN_OR_RETURN(const absl::Duration cpu_before, CpuTimeOf(agent->pid()));
    const absl::Duration begun = Now();
    absl::SleepFor(absl::Seconds(absl::GetFlag(FLAGS_seconds)));
    const absl::Duration took = Now() - begun;
    ASSIGN_OR_RETURN(const absl::Duration cpu_after, CpuTimeOf(agent->pid()));
    ASSIGN_OR_RETURN(const fleet::Footprint footprint,
                     fleet::FootprintOf(agent->pid()));
    result_["real_agent"] = ToJson(footprint);
    result_["real_agent"]["guests"] = guests;
    result_["real_agent"]["start_cpu_seconds"] = Seconds(cpu_before);
    result_["real_agent"]["idle_cpu_share"] =
        Rounded(Share(cpu_after - cpu_before, took));
    return absl::OkStatus();
  }

  absl::Status MeasurePeer() {
    Progress("as many streams with nothing made of them");
    fleet_->StopAll();
    ASSIGN_OR_RETURN(ordered_json echo,
                     MeasureEcho({.streams = agents_,
                                  .message_bytes = ReportBytes(),
                                  .program = program_}));
    const auto over = [](const ordered_json& ours, const ordered_json& theirs) {
      return Rounded(ours.get<double>() / theirs.get<double>());
    };
    const ordered_json& sync = result_["sync"];
    result_["sync_over_echo"] = {
        {"seconds", over(sync["seconds"], echo["seconds"])},
        {"server_cpu_seconds",
         over(sync["controller_cpu_seconds"], echo["server_cpu_seconds"])},
        {"server_private_kib",
         over(result_["memory_kib_per_agent"]["beside_its_record"],
              echo["server_private_kib_per_stream"])}};
    result_["echo"] = std::move(echo);
    return absl::OkStatus();
  }

  // Of a full report, about.
  int ReportBytes() {
    size_t bytes = 0;
    for (const v1::Guest& guest : fleet_->guests(0)) {
      bytes += guest.ByteSizeLong() + 3;
    }
    return static_cast<int>(bytes);
  }

  const std::string program_;
  const int agents_ = absl::GetFlag(FLAGS_agents);
  std::unique_ptr<Site> site_;
  std::unique_ptr<lab::AgentFleet> fleet_;
  fleet::Footprint fresh_;
  fleet::Footprint connected_;
  ordered_json result_;
};

absl::StatusOr<ordered_json> Run(const std::string& program) {
  if (absl::GetFlag(FLAGS_agents) < 1 || absl::GetFlag(FLAGS_guests) < 1 ||
      absl::GetFlag(FLAGS_seconds) < 1 ||
      absl::GetFlag(FLAGS_reports_per_second) <= 0) {
    return absl::InvalidArgumentError(
        "--agents, --guests and --seconds are 1 at least, and "
        "--reports_per_second is more than 0");
  }
  ordered_json result = {
      {"benchmark", "agents"},
      {"machine", Machine()},
      {"inputs",
       {{"agents", absl::GetFlag(FLAGS_agents)},
        {"guests", absl::GetFlag(FLAGS_guests)},
        {"seconds", absl::GetFlag(FLAGS_seconds)},
        {"reports_per_second", absl::GetFlag(FLAGS_reports_per_second)},
        {"sessions_per_second", absl::GetFlag(FLAGS_sessions_per_second)},
        {"node_bytes", absl::GetFlag(FLAGS_node_bytes)}}}};
  ASSIGN_OR_RETURN(const ordered_json figures, Benchmark(program).Run());
  result.update(figures);
  return result;
}

// What this program is when it has started itself.
int Serve(const absl::Status& status) {
  if (status.ok()) return 0;
  return Finish(status);
}

}  // namespace
}  // namespace rehai::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Measures the controller with thousands of agents.");
  absl::ParseCommandLine(argc, argv);
  // Agents complain about the controller that is killed.
  rehai::log::Configure(rehai::log::Level::kError, rehai::log::Format::kText);
  if (const std::string folder = absl::GetFlag(FLAGS_stand_in_folder);
      !folder.empty()) {
    return rehai::bench::Serve(rehai::bench::ServeAsStandIn(folder));
  }
  if (const std::string folder = absl::GetFlag(FLAGS_echo_folder);
      !folder.empty()) {
    return rehai::bench::Serve(rehai::bench::ServeEcho(folder));
  }
  return rehai::bench::Finish(rehai::bench::Run(argv[0]));
}
