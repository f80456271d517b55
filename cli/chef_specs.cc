// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/command_specs.h"

namespace rehai::cli {
namespace {

CommandSpec ChefStatusCommand() {
  return {
      .name = "chef status",
      .summary = "Show how the Chef server is, what waits for it, and why",
      .details =
          R"(HELD BACK is for how long each limit kept writes waiting: the largest is the
one to raise. The lanes are what somebody waits for (user), what hypervisors say
(live), what somebody saved over (repair), and looking whether all is well
(sweep). Everything is counted since the controller's start.)",
      .flags = WatchFlags(),
      .examples = {"rehaictl chef status", "rehaictl chef status --watch",
                   "rehaictl chef status -o json | jq .state"}};
}

CommandSpec ChefCostCommand() {
  return {
      .name = "chef cost",
      .arguments = "HOST",
      .min_arguments = 1,
      .max_arguments = 1,
      .summary = "Show what a host's Chef node weighs, path by path",
      .details =
          R"(Reads the node from Chef. A path's bytes include all below it.)",
      .examples = {"rehaictl chef cost hv1.example.com",
                   "rehaictl chef cost hv1.example.com -o json"},
      .kind = WordKind::kHost};
}

CommandSpec ChefLimitsCommand() {
  return {
      .name = "chef limits",
      .summary = "Show or change what the Chef server may be asked",
      .details =
          R"(Changes hold until the controller restarts; the configuration's section "sync"
has them for good, under these names.)",
      .flags = {{.name = "requests_per_second",
                 .value = "NUMBER",
                 .help = "requests to the Chef server"},
                {.name = "request_burst",
                 .value = "COUNT",
                 .help = "requests at once after a quiet time"},
                {.name = "bytes_per_second",
                 .value = "BYTES",
                 .help = "bytes of nodes read and written"},
                {.name = "byte_burst",
                 .value = "BYTES",
                 .help = "bytes at once after a quiet time"},
                {.name = "max_in_flight",
                 .value = "COUNT",
                 .help = "nodes under way at once"},
                {.name = "server_share",
                 .value = "NUMBER",
                 .help = "the share of its time that the server may be busy "
                         "for Rehai, 0 to 1"}},
      .examples = {"rehaictl chef limits",
                   "rehaictl chef limits --requests_per_second=20 "
                   "--server_share=0.25"}};
}

}  // namespace

std::vector<CommandSpec> ChefCommands() {
  return {ChefStatusCommand(), ChefCostCommand(), ChefLimitsCommand()};
}

}  // namespace rehai::cli
