// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What a front end waits for: lookups, pages, listings and watches of a large
// fleet in memory behind the controller's API, each beside a bare gRPC server
// that sends the same. docs/benchmarks.md says how to read it.

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "controller/api/fleet_queries.h"
#include "controller/inventory/inventory.h"
#include "controller/sync/syncer.h"
#include "rehai/v1/fleet.grpc.pb.h"
#include "tests/bench/echo_fleet.h"
#include "tests/bench/guest_fleet.h"
#include "tests/bench/latencies.h"
#include "tests/bench/result_line.h"
#include "tests/fakes/fake_sink.h"
#include "tests/fakes/test_controller.h"

ABSL_FLAG(int, hosts, 1000, "Hosts.");
ABSL_FLAG(int, guests, 100, "Guests per host.");
ABSL_FLAG(int, clients, 4, "Clients that ask at once, one connection each.");
ABSL_FLAG(absl::Duration, time, absl::Seconds(3), "Of each measurement.");
ABSL_FLAG(int, rounds, 3, "Of each, by turns with the bare server's.");
ABSL_FLAG(int, watchers, 200, "Watches, each of a tenth of the fleet.");
ABSL_FLAG(double, changes_per_second, 100, "While watched, and while asked.");

namespace rehai::bench {
namespace {

using nlohmann::ordered_json;
using Stub = v1::Fleet::Stub;

constexpr int kWatchersPerConnection = 10;

absl::Duration Now() { return Clock::Real().Uptime(); }

std::unique_ptr<Stub> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(-1);
  return v1::Fleet::NewStub(grpc::CreateCustomChannel(
      address, grpc::InsecureChannelCredentials(), arguments));
}

absl::Status ToAbsl(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
}

// Asks `count` with a stub, again and again; the number is the question's.
using Ask = std::function<absl::Status(Stub&, int)>;

struct Load {
  Latencies latencies;
  double per_second = 0;
};

// Changes the fleet at a steady rate until it is destroyed.
class Changes {
 public:
  Changes(const GuestFleet& fleet, Inventory& inventory, double per_second,
          std::atomic<int>& sequence)
      : thread_([&fleet, &inventory, per_second, &sequence, this] {
          if (per_second <= 0) return;
          absl::Time due = absl::Now();
          while (!stopping_) {
            due += absl::Seconds(1) / per_second;
            absl::SleepFor(due - absl::Now());
            const int number = ++sequence;
            fleet.Change(inventory, number % fleet.hosts(), number,
                         absl::Now());
          }
        }) {}
  ~Changes() {
    stopping_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

absl::StatusOr<Load> Measure(const std::string& address, const Ask& ask) {
  const int clients = absl::GetFlag(FLAGS_clients);
  std::vector<Latencies> latencies(clients);
  std::vector<absl::Status> errors(clients);
  std::vector<std::thread> threads;
  const absl::Duration begun = Now();
  const absl::Duration until = begun + absl::GetFlag(FLAGS_time);
  for (int client = 0; client < clients; ++client) {
    threads.emplace_back([&, client] {
      const std::unique_ptr<Stub> stub = Connect(address);
      errors[client].Update(ask(*stub, client));  // connects
      for (int i = client; errors[client].ok() && Now() < until; i += 7919) {
        const absl::Duration asked = Now();
        errors[client].Update(ask(*stub, i));
        latencies[client].Add(Now() - asked);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const absl::Duration took = Now() - begun;
  Load load;
  for (int client = 0; client < clients; ++client) {
    RETURN_IF_ERROR(errors[client]);
    load.latencies.Add(latencies[client]);
  }
  load.per_second =
      static_cast<double>(load.latencies.count()) / absl::ToDoubleSeconds(took);
  return load;
}

ordered_json ToJson(const std::vector<Load>& loads) {
  Latencies all;
  std::vector<double> rates;
  for (const Load& load : loads) {
    all.Add(load.latencies);
    rates.push_back(load.per_second);
  }
  return {{"per_second", Rounded(Median(rates))}, {"ms", all.ToJson()}};
}

// The same question of both servers, by turns.
absl::StatusOr<ordered_json> Compare(const std::string& name,
                                     const std::string& controller,
                                     const std::string& echo, const Ask& ask) {
  Progress(name);
  std::vector<Load> ours;
  std::vector<Load> bare;
  std::vector<double> ratios;
  std::vector<double> p99_ratios;
  for (int round = 0; round < absl::GetFlag(FLAGS_rounds); ++round) {
    ASSIGN_OR_RETURN(Load of_controller, Measure(controller, ask));
    ASSIGN_OR_RETURN(Load of_echo, Measure(echo, ask));
    ratios.push_back(of_controller.per_second / of_echo.per_second);
    p99_ratios.push_back(
        absl::FDivDuration(of_controller.latencies.Percentile(99),
                           of_echo.latencies.Percentile(99)));
    ours.push_back(std::move(of_controller));
    bare.push_back(std::move(of_echo));
  }
  return ordered_json{{"controller", ToJson(ours)},
                      {"echo", ToJson(bare)},
                      {"calls_ratio", Rounded(Median(ratios))},
                      {"p99_ratio", Rounded(Median(p99_ratios))}};
}

absl::Status GetGuest(Stub& stub, const v1::GetGuestRequest& request) {
  grpc::ClientContext context;
  v1::GetGuestResponse response;
  RETURN_IF_ERROR(ToAbsl(stub.GetGuest(&context, request, &response)));
  return response.guest().guest().name().empty()
             ? absl::InternalError("an answer without a guest")
             : absl::OkStatus();
}

v1::ListGuestsRequest FilteredPage() {
  v1::ListGuestsRequest request;
  request.set_filter(
      "state = running AND memory >= 4GiB AND name = \"vm-*7\" AND "
      "host.labels.zone = (z1 OR z2 OR z3)");
  request.set_page_size(100);
  return request;
}

v1::ListGuestsRequest FullListing() {
  v1::ListGuestsRequest request;
  request.set_page_size(1000);
  return request;
}

// All pages; with what each token got, if `pages` is not null.
absl::Status ListAll(Stub& stub, v1::ListGuestsRequest request,
                     std::map<std::string, v1::ListGuestsResponse>* pages) {
  do {
    grpc::ClientContext context;
    v1::ListGuestsResponse page;
    RETURN_IF_ERROR(ToAbsl(stub.ListGuests(&context, request, &page)));
    const std::string token = request.page_token();
    request.set_page_token(page.next_page_token());
    if (pages != nullptr) (*pages)[token] = std::move(page);
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

absl::Status OnePage(Stub& stub, const v1::ListGuestsRequest& request) {
  grpc::ClientContext context;
  v1::ListGuestsResponse page;
  return ToAbsl(stub.ListGuests(&context, request, &page));
}

// How long the query itself takes, without gRPC, while the fleet changes.
ordered_json MeasureServerTime(const GuestFleet& fleet) {
  Progress("server time of pages");
  Inventory inventory(Clock::Real());
  FakeSink sink(Clock::Real());
  Syncer syncer(Syncer::Options(), inventory, sink, Clock::Real());
  const FleetQueries queries(inventory, syncer);
  fleet.Fill(inventory, absl::Now());
  std::atomic<int> sequence = 0;
  const Changes changes(fleet, inventory,
                        absl::GetFlag(FLAGS_changes_per_second), sequence);
  const auto measure = [&queries](const v1::ListGuestsRequest& request) {
    Latencies latencies;
    int total = 0;
    const absl::Duration until = Now() + absl::GetFlag(FLAGS_time);
    while (Now() < until) {
      const absl::Duration asked = Now();
      const auto page = queries.ListGuests(request);
      latencies.Add(Now() - asked);
      total = page.ok() ? page->total_size() : -1;
      // So that changes fall between the questions, as they do in life.
      absl::SleepFor(absl::Milliseconds(2));
    }
    ordered_json json = latencies.ToJson();
    json["matches"] = total;
    return json;
  };
  v1::ListGuestsRequest first_page;
  v1::ListGuestsRequest all_running;
  all_running.set_filter("state = running");
  v1::ListGuestsRequest sorted = all_running;
  sorted.set_order_by("memory desc, name");
  v1::ListGuestsRequest named = FilteredPage();
  named.set_filter(absl::StrCat("name = ", GuestFleet::Name(4711)));
  v1::ListGuestsRequest block;
  block.set_filter("ip = 10.0.16.0/24");
  return {{"filtered", measure(FilteredPage())},
          {"unfiltered", measure(first_page)},
          {"all_running", measure(all_running)},
          {"by_memory", measure(sorted)},
          {"by_name", measure(named)},
          {"by_cidr", measure(block)}};
}

// Watches, and how long after a change each was told of it.
class Watchers {
 public:
  Watchers(const std::string& address, int count) {
    for (int i = 0; i < count; ++i) {
      if (i % kWatchersPerConnection == 0) stubs_.push_back(Connect(address));
      contexts_.push_back(std::make_unique<grpc::ClientContext>());
      threads_.emplace_back([this, i, &stub = *stubs_.back(),
                             &context = *contexts_.back()] {
        v1::FleetWatchRequest request;
        request.set_filter(absl::StrCat("labels.zone = ", GuestFleet::Zone(i)));
        const auto reader = stub.Watch(&context, request);
        v1::FleetWatchResponse step;
        while (reader->Read(&step)) Take(step);
        reader->Finish();
      });
    }
  }
  ~Watchers() {
    for (const auto& context : contexts_) context->TryCancel();
    for (std::thread& thread : threads_) thread.join();
  }

  absl::Status AwaitSynced(int count) {
    const absl::Duration deadline = Now() + absl::Minutes(2);
    MutexLock lock(mu_);
    while (synced_ < count && Now() < deadline) {
      Clock::Real().WaitUntil(deadline, mu_, news_);
    }
    return synced_ >= count
               ? absl::OkStatus()
               : absl::InternalError(absl::StrCat(synced_, " of ", count,
                                                  " watches were synced"));
  }

  Latencies Take() {
    MutexLock lock(mu_);
    return std::exchange(latencies_, Latencies());
  }

 private:
  void Take(const v1::FleetWatchResponse& step) {
    const absl::Time now = absl::Now();
    MutexLock lock(mu_);
    if (step.kind() == v1::FleetWatchResponse::KIND_SYNCED) {
      ++synced_;
      news_.NotifyAll();
    } else if (step.record().session() == 2) {
      latencies_.Add(now - FromProto(step.record().provenance().observed_at()));
    }
  }

  std::vector<std::unique_ptr<Stub>> stubs_;
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts_;
  std::vector<std::thread> threads_;

  Mutex mu_;
  CondVar news_;
  int synced_ ABSL_GUARDED_BY(mu_) = 0;
  Latencies latencies_ ABSL_GUARDED_BY(mu_);
};

ordered_json DeliveryJson(const Latencies& latencies, int changes,
                          absl::Duration took) {
  return {
      {"changes_per_second", Rounded(changes / absl::ToDoubleSeconds(took))},
      {"delivered_per_second", Rounded(static_cast<double>(latencies.count()) /
                                       absl::ToDoubleSeconds(took))},
      {"ms", latencies.ToJson()}};
}

// What EchoFleet sends instead of a change: the record as it is, and the time.
void SendTo(EchoFleet& echo, const Inventory& inventory, int host) {
  v1::FleetWatchResponse step;
  step.set_kind(v1::FleetWatchResponse::KIND_HOST_CHANGED);
  *step.mutable_record() = *inventory.Find(HostId{GuestFleet::Node(host)});
  step.mutable_record()->set_session(2);
  *step.mutable_record()->mutable_provenance()->mutable_observed_at() =
      ToProto(absl::Now());
  echo.Send(absl::StrCat("labels.zone = ", GuestFleet::Zone(host)), step);
}

absl::StatusOr<ordered_json> MeasureWatches(const GuestFleet& fleet,
                                            TestController& controller,
                                            EchoFleet& echo,
                                            std::atomic<int>& sequence) {
  const int count = absl::GetFlag(FLAGS_watchers);
  const double rate = absl::GetFlag(FLAGS_changes_per_second);
  const absl::Duration time = 3 * absl::GetFlag(FLAGS_time);
  Progress(absl::StrCat(count, " watches"));
  ordered_json json = {{"watchers", count}};
  {
    Watchers watchers(controller.address(), count);
    RETURN_IF_ERROR(watchers.AwaitSynced(count));
    watchers.Take();
    const int before = sequence;
    const absl::Duration begun = Now();
    {
      const Changes changes(fleet, controller.inventory(), rate, sequence);
      absl::SleepFor(time);
    }
    json["controller"] =
        DeliveryJson(watchers.Take(), sequence - before, Now() - begun);
  }
  {
    Watchers watchers(echo.address(), count);
    RETURN_IF_ERROR(watchers.AwaitSynced(count));
    const absl::Duration begun = Now();
    absl::Time due = absl::Now();
    int sent = 0;
    while (Now() < begun + time) {
      due += absl::Seconds(1) / rate;
      absl::SleepFor(due - absl::Now());
      SendTo(echo, controller.inventory(), ++sent % fleet.hosts());
    }
    json["echo"] = DeliveryJson(watchers.Take(), sent, Now() - begun);
  }
  return json;
}

absl::StatusOr<ordered_json> Run() {
  const GuestFleet fleet(absl::GetFlag(FLAGS_hosts),
                         absl::GetFlag(FLAGS_guests));
  ordered_json result = {{"benchmark", "query"},
                         {"hosts", fleet.hosts()},
                         {"guests", fleet.guests()},
                         {"machine", Machine()}};
  result["server_time_ms"] = MeasureServerTime(fleet);

  Progress("filling a controller");
  ApiServer::Options options = TestController::AnyPort();
  // Watches and clients of one machine are all the same caller's: limits that
  // are looked at and never reached.
  options.limits = {.max_calls = 1'000'000,
                    .max_streams = 1'000'000,
                    .max_streams_per_client = 1'000'000,
                    .calls_per_second = 1'000'000};
  TestController controller(options);
  fleet.Fill(controller.inventory(), absl::Now());
  EchoFleet echo;

  const auto stub = Connect(controller.address());
  v1::GetGuestRequest request;
  request.set_uuid(GuestFleet::Uuid(0));
  {
    grpc::ClientContext context;
    v1::GetGuestResponse guest;
    RETURN_IF_ERROR(ToAbsl(stub->GetGuest(&context, request, &guest)));
    result["guest_bytes"] = guest.ByteSizeLong();
    echo.SetGuest(std::move(guest));
  }
  const auto compare = [&](const std::string& name,
                           const Ask& ask) -> absl::Status {
    ASSIGN_OR_RETURN(result[name],
                     Compare(name, controller.address(), echo.address(), ask));
    return absl::OkStatus();
  };
  const int guests = fleet.guests();
  RETURN_IF_ERROR(compare("get_by_uuid", [guests](Stub& to, int number) {
    v1::GetGuestRequest get;
    get.set_uuid(GuestFleet::Uuid(number % guests));
    return GetGuest(to, get);
  }));
  RETURN_IF_ERROR(compare("get_by_name", [guests](Stub& to, int number) {
    v1::GetGuestRequest get;
    get.set_name(GuestFleet::Name(number % guests));
    return GetGuest(to, get);
  }));
  RETURN_IF_ERROR(compare("get_by_ip", [guests](Stub& to, int number) {
    v1::GetGuestRequest get;
    get.set_ip(GuestFleet::Address(number % guests));
    return GetGuest(to, get);
  }));

  std::map<std::string, v1::ListGuestsResponse> pages;
  {
    grpc::ClientContext context;
    RETURN_IF_ERROR(
        ToAbsl(stub->ListGuests(&context, FilteredPage(), &pages[""])));
    result["page_bytes"] = pages[""].ByteSizeLong();
    echo.SetPages(std::exchange(pages, {}));
  }
  RETURN_IF_ERROR(compare("filtered_page", [](Stub& to, int) {
    return OnePage(to, FilteredPage());
  }));

  RETURN_IF_ERROR(ListAll(*stub, FullListing(), &pages));
  result["listing_pages"] = pages.size();
  echo.SetPages(std::move(pages));
  RETURN_IF_ERROR(compare("full_listing", [](Stub& to, int) {
    return ListAll(to, FullListing(), nullptr);
  }));
  echo.SetPages({});

  std::atomic<int> sequence = 0;
  ASSIGN_OR_RETURN(result["watch"],
                   MeasureWatches(fleet, controller, echo, sequence));
  result["machine_after"] = Machine();
  return result;
}

}  // namespace
}  // namespace rehai::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Measures the query API of a large fleet beside a bare gRPC server.");
  absl::ParseCommandLine(argc, argv);
  rehai::log::Configure(rehai::log::Level::kWarning, rehai::log::Format::kText);
  return rehai::bench::Finish(rehai::bench::Run());
}
