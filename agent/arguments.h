// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_ARGUMENTS_H_
#define AGENT_ARGUMENTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/ohai_runner.h"
#include "base/log.h"
#include "chef/rendering.h"
#include "rehai/v1/config.pb.h"

// What the words of rehai-agent's command line mean. Pure.
//
// The options of chef-client that the Rehai of 2014 had are spelled as there,
// letters included. In names, "-" and "_" are the same, as Chef's own tools
// have both.
namespace rehai::agent {

struct Arguments {
  bool help = false;
  bool once = false;
  bool dry_run = false;
  bool allow_core_dumps = false;
  std::string uri = "qemu:///system";
  // Where and how to report, without --once.
  std::string controller;  // host:port, or unix:/path
  std::string controller_ca;
  std::string controller_name;
  std::string certificate;
  std::string certificate_key;
  bool plaintext = false;
  bool plaintext_anywhere = false;
  std::string state_folder = "/var/lib/rehai-agent";
  // Only what flags say; its knife_file is the client.rb. As they were given:
  // a relative name counts from the working folder.
  v1::ChefConfig chef;
  chef::RenderingOptions rendering;
  int64_t max_node_bytes = 1'000'000;
  // Ask Ohai, and write what it finds. Then `rendering` is only what was asked
  // for, which may be nothing: no hypervisor is read.
  bool ohai = false;
  bool ohai_time = false;
  OhaiRunner::Request ohai_request;
  log::Level log_level = log::Level::kWarning;
  std::string log_file;  // empty: standard error
};

// Reads the words after the program's name. kInvalidArgument names the flag,
// and says what is wrong with it and what to write. With --help only what is
// not understood is an error.
absl::StatusOr<Arguments> ParseArguments(const std::vector<std::string>& words);

// What --help prints.
std::string Usage();

}  // namespace rehai::agent

#endif  // AGENT_ARGUMENTS_H_
