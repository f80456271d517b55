// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/flag_words.h"

#include "absl/strings/str_replace.h"

namespace rehai::agent {

std::string InFlagWords(absl::string_view message) {
  // Of those that begin at the same place the longest counts.
  return absl::StrReplaceAll(
      message,
      {
          {"chef.server_url", "--server"},
          {"chef.client_name", "--node_name"},
          {"chef.client_key_file", "--client_key"},
          {"chef.ca_file", "--ca_file"},
          {"chef.trusted_certs_dir", "--trusted_certs_dir"},
          {"chef.max_node_bytes", "--max_node_bytes"},
          {"chef.knife_file", "--config"},
          {"chef.knife_file or chef.credentials_file names", "--config names"},
          {" in Rehai's configuration", ""},
          {", or raise pull.read_timeout", ""},
          {"; lower sync.requests_per_second if this stays", ""},
          {"it is tried again", "run this again"},
          {"it is read and tried again", "run this again"},
          {"switch that rendering off", "leave it out of --renderings"},
      });
}

}  // namespace rehai::agent
