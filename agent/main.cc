// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "agent/arguments.h"
#include "agent/change_report.h"
#include "agent/host_client.h"
#include "agent/node_refresh.h"
#include "agent/ohai_reading.h"
#include "agent/run_daemon.h"
#include "base/clock.h"
#include "base/log.h"
#include "chef/core_dumps.h"
#include "chef/ohai_output.h"
#include "chef/rendering.h"
#include "hypervisor/libvirt_dialer.h"

namespace rehai::agent {
namespace {

enum ExitStatus { kDone = 0, kFailed = 1, kBadConfiguration = 2 };

int Complain(const absl::Status& status, ExitStatus exit_status) {
  std::cerr << "rehai-agent: " << status.message() << "\n";
  return exit_status;
}

// What goes to standard error goes to the file from now on.
absl::Status LogTo(const std::string& file) {
  if (file.empty()) return absl::OkStatus();
  const int fd =
      open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (fd < 0 || dup2(fd, STDERR_FILENO) < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("--logfile ", file, ": ", std::strerror(errno),
                     "; name a file that can be written"));
  }
  close(fd);
  return absl::OkStatus();
}

// With --ohai, there may be nothing of the hypervisor's to be written.
bool IsSomethingRendered(const chef::RenderingOptions& rendering) {
  return rendering.kvm_extensions || rendering.ohai_libvirt || rendering.rehai;
}

int Once(const Arguments& arguments, chef::Client& client) {
  hypervisor::LibvirtDialer dialer(Clock::Real());
  NodeRefresh refresh({.uri = arguments.uri,
                       .rendering = arguments.rendering,
                       .dry_run = arguments.dry_run,
                       .max_node_bytes = arguments.max_node_bytes},
                      dialer, client, Clock::Real());
  const auto complain = [](const absl::Status& status) {
    return Complain(
        status, absl::IsInvalidArgument(status) ? kBadConfiguration : kFailed);
  };
  // Before the hypervisor is read, as it takes longer than anything else.
  chef::OhaiOutput ohai;
  if (arguments.ohai) {
    absl::StatusOr<chef::OhaiOutput> found =
        ReadOhai(arguments.ohai_request, arguments.ohai_time, Clock::Real());
    if (!found.ok()) return complain(found.status());
    ohai = *std::move(found);
  }
  absl::StatusOr<chef::WriteResult> result = absl::UnknownError("");
  if (IsSomethingRendered(arguments.rendering)) {
    const absl::StatusOr<v1::Record> record = refresh.Read();
    if (!record.ok()) return complain(record.status());
    result = refresh.Write(*record, std::move(ohai.subtrees));
  } else {
    result = refresh.WriteOhai(std::move(ohai.subtrees));
  }
  if (!result.ok()) return Complain(result.status(), kFailed);
  std::cout << ChangeReport(client.client_name(), *result) << std::flush;
  return kDone;
}

int Main(const std::vector<std::string>& words) {
  const absl::StatusOr<Arguments> arguments = ParseArguments(words);
  if (!arguments.ok()) {
    return Complain(arguments.status(), kBadConfiguration);
  }
  if (arguments->help) {
    std::cout << Usage();
    return kDone;
  }
  if (absl::Status status = LogTo(arguments->log_file); !status.ok()) {
    return Complain(status, kBadConfiguration);
  }
  log::Configure(arguments->log_level, log::Format::kText);
  if (!arguments->allow_core_dumps) {
    // Before there is a key to dump.
    if (absl::Status status = chef::ForbidCoreDumps(); !status.ok()) {
      return Complain(status, kFailed);
    }
  }
  if (!arguments->once) {
    const absl::Status status = RunDaemon(*arguments);
    if (status.ok()) return kDone;
    return Complain(status,
                    absl::IsInternal(status) ? kFailed : kBadConfiguration);
  }
  const absl::StatusOr<std::unique_ptr<chef::Client>> client =
      OpenHostClient(arguments->chef, Clock::Real());
  if (!client.ok()) return Complain(client.status(), kBadConfiguration);
  return Once(*arguments, **client);
}

}  // namespace
}  // namespace rehai::agent

int main(int argc, char** argv) {
  return rehai::agent::Main({argv + 1, argv + argc});
}
