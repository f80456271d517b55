// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <unistd.h>

#include <functional>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "chef/node_document.h"
#include "tests/lab/controller_process.h"
#include "tests/lab/demo_screen.h"
#include "tests/lab/ending_signals.h"
#include "tests/lab/fleet_file.h"
#include "tests/lab/goiardi.h"
#include "tests/lab/lab.h"
#include "tests/lab/runfile.h"

ABSL_FLAG(bool, once, false,
          "Make the round of changes, clean up and exit, instead of leaving "
          "everything running until Ctrl-C. Exit status 0 if every change "
          "showed in Chef.");

namespace rehai::lab {
namespace {

// The longest that a change may take to show before the demo calls it lost.
constexpr absl::Duration kPatience = absl::Seconds(30);

// Between two looks at a node: enough to tell times of a second apart, and not
// so often that looking slows down what is looked at.
constexpr absl::Duration kLookInterval = absl::Milliseconds(20);

// The "state" that a node shows of a guest to its front ends, or nullopt if it
// shows no such guest.
absl::StatusOr<std::optional<std::string>> ShownState(
    Goiardi& chef, const std::string& node, const std::string& guest) {
  ASSIGN_OR_RETURN(const std::string document, chef.GetNode(node));
  const std::vector<std::string> path = {
      "automatic", "virtualization", "kvm", "guests", guest, "state"};
  ASSIGN_OR_RETURN(
      const auto value,
      chef::FindValue(absl::string_view(document.data(), document.size()),
                      path));
  if (!value.has_value()) return std::optional<std::string>();
  // A word in quotes.
  return std::optional<std::string>(
      std::string(value->data() + 1, value->size() - 2));
}

// A node as a chef-client run leaves it on a host whose guests nobody has told
// Chef of yet.
absl::StatusOr<std::string> OhaiNode(const std::string& name) {
  ASSIGN_OR_RETURN(const std::string file,
                   Runfile("tests/data/ohai_node.json"));
  ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  nlohmann::json node = nlohmann::json::parse(text);
  node["name"] = name;
  nlohmann::json& automatic = node["automatic"];
  automatic["fqdn"] = name;
  automatic["hostname"] = name.substr(0, name.find('.'));
  automatic.erase("libvirt");
  automatic["virtualization"].erase("kvm");
  return node.dump();
}

// The round: one guest's life on one host.
struct Change {
  const char* verb;
  std::function<absl::Status(Host&, const std::string& guest)> make;
  // What the node then shows.
  std::optional<std::string> state;
};

std::vector<Change> Life() {
  return {
      {"define",
       [](Host& host, const std::string& guest) {
         return host.Define({.name = guest});
       },
       "shut"},
      {"start",
       [](Host& host, const std::string& guest) {
         return host.StartGuest(guest);
       },
       "running"},
      {"suspend",
       [](Host& host, const std::string& guest) { return host.Suspend(guest); },
       "paused"},
      {"resume",
       [](Host& host, const std::string& guest) {
         return host.ResumeGuest(guest);
       },
       "running"},
      {"destroy",
       [](Host& host, const std::string& guest) { return host.Destroy(guest); },
       "shut"},
      {"undefine",
       [](Host& host, const std::string& guest) {
         return host.Undefine(guest);
       },
       std::nullopt},
  };
}

// Everything that the demo starts; gone with it, in the reverse order.
class Demo {
 public:
  explicit Demo(EndingSignals& signals) : signals_(signals) {}

  // kCancelled if Ctrl-C came first.
  absl::Status Run(bool once) {
    screen_.Title(
        "Rehai: guests change on hypervisors, and Chef shows it at once");
    RETURN_IF_ERROR(StartChef());
    RETURN_IF_ERROR(StartHosts());
    RETURN_IF_ERROR(CreateNodes());
    RETURN_IF_ERROR(StartController());
    RETURN_IF_ERROR(AwaitFirstSync());
    RETURN_IF_ERROR(MakeChanges());
    if (once) return absl::OkStatus();
    ShowCommands();
    return AwaitEnd();
  }

 private:
  absl::Status StartChef();
  absl::Status StartHosts();
  absl::Status CreateNodes();
  absl::Status StartController();
  absl::Status AwaitFirstSync();
  absl::Status MakeChanges();
  absl::Status MakeChange(Host& host, const std::string& guest,
                          const Change& change);
  void ShowCommands();
  absl::Status AwaitEnd();

  // Waits until the node shows the guest so. kDeadlineExceeded with the end of
  // the controller's log, kCancelled.
  absl::Status AwaitShown(const Host& host, const std::string& guest,
                          const std::optional<std::string>& state);

  absl::Status GoOn() const {
    return signals_.Pending() ? absl::CancelledError("stopped")
                              : absl::OkStatus();
  }

  EndingSignals& signals_;
  DemoScreen screen_;
  std::unique_ptr<Goiardi> chef_;
  std::unique_ptr<Lab> lab_;
  std::unique_ptr<ControllerProcess> controller_;
  std::vector<absl::Duration> latencies_;
};

// How long something takes.
class Stopwatch {
 public:
  absl::Duration Elapsed() const { return Clock::Real().Uptime() - begin_; }

 private:
  const absl::Duration begin_ = Clock::Real().Uptime();
};

absl::Status Demo::StartChef() {
  screen_.BeginStep("Chef server");
  const Stopwatch watch;
  ASSIGN_OR_RETURN(chef_, Goiardi::Start());
  screen_.EndStep(
      absl::StrCat(chef_->url(), ", goiardi in memory, signed requests, TLS"),
      watch.Elapsed());
  return GoOn();
}

absl::Status Demo::StartHosts() {
  screen_.BeginStep("hypervisors");
  const Stopwatch watch;
  ASSIGN_OR_RETURN(lab_, Lab::Start({.qemu_hosts = 2, .test_hosts = 3}));
  std::string names;
  for (int i = 0; i < lab_->size(); ++i) {
    Host& host = lab_->host(i);
    RETURN_IF_ERROR(GoOn());
    if (host.driver() == Driver::kTest) {
      // The test driver's own guest has the same UUID on all of them, as if it
      // moved from one to the other.
      RETURN_IF_ERROR(host.Destroy("test"));
      RETURN_IF_ERROR(host.Undefine("test"));
    }
    // Somebody lives there already.
    const std::string guest = absl::StrCat("app0", i + 1);
    RETURN_IF_ERROR(host.Define({.name = guest}));
    RETURN_IF_ERROR(host.StartGuest(guest));
    absl::StrAppend(&names, i == 0 ? "" : " ",
                    host.node().substr(0, host.node().find('.')));
  }
  screen_.EndStep(absl::StrCat(names, ", QEMU and simulated, behind sshd"),
                  watch.Elapsed());
  return GoOn();
}

absl::Status Demo::CreateNodes() {
  screen_.BeginStep("Chef nodes");
  const Stopwatch watch;
  size_t bytes = 0;
  for (int i = 0; i < lab_->size(); ++i) {
    ASSIGN_OR_RETURN(const std::string node, OhaiNode(lab_->host(i).node()));
    bytes = node.size();
    RETURN_IF_ERROR(chef_->CreateNode({node.data(), node.size()}));
  }
  screen_.EndStep(absl::StrCat(lab_->size(), " of about ", bytes / 1000,
                               " kB, as Ohai fills them, without guests"),
                  watch.Elapsed());
  return GoOn();
}

absl::Status Demo::StartController() {
  screen_.BeginStep("controller");
  const Stopwatch watch;
  ASSIGN_OR_RETURN(controller_,
                   ControllerProcess::Start(*chef_, {.hosts = HostsOf(*lab_)}));
  screen_.EndStep(absl::StrCat(controller_->address(),
                               ", connects by qemu+ssh:// and test+ssh://"),
                  watch.Elapsed());
  return GoOn();
}

absl::Status Demo::AwaitFirstSync() {
  screen_.BeginStep("first sync");
  const Stopwatch watch;
  for (int i = 0; i < lab_->size(); ++i) {
    RETURN_IF_ERROR(
        AwaitShown(lab_->host(i), absl::StrCat("app0", i + 1), "running"));
  }
  screen_.EndStep("every node shows its host's guests\n", watch.Elapsed());
  return GoOn();
}

absl::Status Demo::AwaitShown(const Host& host, const std::string& guest,
                              const std::optional<std::string>& state) {
  const auto is_shown = [&]() -> absl::Status {
    if (signals_.Pending()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const std::optional<std::string> shown,
                     ShownState(*chef_, host.node(), guest));
    if (shown == state) return absl::OkStatus();
    return absl::UnavailableError(
        absl::StrCat(host.node(), ": its node shows guest ", guest, " as \"",
                     shown.value_or("absent"), "\", not \"",
                     state.value_or("absent"), "\""));
  };
  RETURN_IF_ERROR(controller_->process().WaitUntilReady(kPatience, is_shown,
                                                        kLookInterval));
  return GoOn();
}

absl::Status Demo::MakeChanges() {
  screen_.BeginTable();
  Host& qemu = lab_->host(0);
  Host& simulated = lab_->host(lab_->size() - 1);
  for (Host* host : {&qemu, &simulated}) {
    for (const Change& change : Life()) {
      RETURN_IF_ERROR(MakeChange(*host, "web01", change));
    }
  }
  screen_.EndTable(latencies_);
  return absl::OkStatus();
}

absl::Status Demo::MakeChange(Host& host, const std::string& guest,
                              const Change& change) {
  screen_.BeginRow(host.node(), change.verb, guest);
  const Stopwatch watch;
  RETURN_IF_ERROR(change.make(host, guest));
  RETURN_IF_ERROR(AwaitShown(host, guest, change.state));
  latencies_.push_back(watch.Elapsed());
  screen_.EndRow(latencies_.back());
  return absl::OkStatus();
}

void Demo::ShowCommands() {
  const std::string rehaictl = absl::StrCat(
      "bazel run //cli:rehaictl -- --server=", controller_->address(), " ");
  screen_.Commands(
      "Ask the controller, in another terminal:",
      {rehaictl + "hosts", rehaictl + "guests", rehaictl + "guest app01",
       rehaictl + "watch", rehaictl + "resync --all",
       rehaictl + "diff " + lab_->host(0).node()});
  const auto virsh = [this](int i) {
    return absl::StrCat("virsh -c '", lab_->host(i).local_uri(), "' ");
  };
  screen_.Commands("Change guests and see it there:",
                   {virsh(0) + "suspend app01", virsh(0) + "resume app01",
                    virsh(2) + "destroy app03", virsh(2) + "start app03"});
  screen_.Line(absl::StrCat("\nThe controller's log: ", controller_->log_file(),
                            "\nAll this runs until Ctrl-C, and leaves nothing "
                            "behind."));
}

absl::Status Demo::AwaitEnd() {
  while (!signals_.Wait()) {
    // A child ended; the controller's end is not planned.
    if (!controller_->process().Running()) {
      return controller_->process().WaitUntilReady(
          absl::ZeroDuration(), [] { return absl::OkStatus(); });
    }
  }
  return absl::OkStatus();
}

int Main(bool once) {
  if (geteuid() != 0) {
    std::cerr << "demo: private hypervisors need mounts and processes of their "
                 "own, which only root may make; run it as root: "
                 "sudo bazel run //:demo\n";
    return 1;
  }
  EndingSignals signals;
  auto demo = std::make_unique<Demo>(signals);
  const absl::Status status = demo->Run(once);
  std::cout << "\n"
            << (status.ok() || absl::IsCancelled(status) ? ""
                                                         : "demo: failed; ")
            << "cleaning up\n"
            << std::flush;
  demo.reset();
  if (status.ok()) return 0;
  if (absl::IsCancelled(status)) return 130;
  std::cerr << "demo: " << status.message() << "\n";
  return 1;
}

}  // namespace
}  // namespace rehai::lab

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Shows Rehai at work on a private Chef server and private "
      "hypervisors.\n\n"
      "  bazel run //:demo             until Ctrl-C\n"
      "  bazel run //:demo -- --once   one round, then exit\n");
  const auto rest = absl::ParseCommandLine(argc, argv);
  if (rest.size() > 1) {
    std::cerr << "demo: unexpected argument \"" << rest[1]
              << "\"; it takes none but --once, see --help\n";
    return 2;
  }
  return rehai::lab::Main(absl::GetFlag(FLAGS_once));
}
