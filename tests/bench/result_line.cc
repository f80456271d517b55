// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/result_line.h"

#include <cstdlib>
#include <iostream>
#include <thread>

#include "tests/bench/latencies.h"

namespace rehai::bench {

int Finish(const absl::StatusOr<nlohmann::ordered_json>& result) {
  if (!result.ok()) {
    std::cerr << "not measured: " << result.status().message() << std::endl;
    return 1;
  }
  std::cout << result->dump() << std::endl;
  return 0;
}

void Progress(absl::string_view line) { std::cerr << line << std::endl; }

nlohmann::ordered_json Machine() {
  double load = 0;
  getloadavg(&load, 1);
  return {{"cores", std::thread::hardware_concurrency()},
          {"load_1min", Rounded(load)}};
}

}  // namespace rehai::bench
