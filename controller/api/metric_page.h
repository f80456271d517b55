// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_METRIC_PAGE_H_
#define CONTROLLER_API_METRIC_PAGE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "prometheus/metric_family.h"

namespace rehai {

// One series of a metric.
struct Sample {
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;
};

// How values are spread.
struct Distribution {
  struct Bucket {
    double upper_bound = 0;
    uint64_t count = 0;  // of values at most that
  };
  std::vector<Bucket> buckets;  // bounds ascending
  uint64_t count = 0;           // of all, those above the last bound included
  double sum = 0;
};

// MetricPage collects metrics and writes them in Prometheus' text format, in
// the order in which they were added. A metric without samples is left out.
class MetricPage {
 public:
  // How much there is of something now.
  void Gauge(const std::string& name, const std::string& help,
             std::vector<Sample> samples);
  void Gauge(const std::string& name, const std::string& help, double value) {
    Gauge(name, help, {{{}, value}});
  }

  // How much there has been of something since the process began. The name ends
  // in _total.
  void Counter(const std::string& name, const std::string& help,
               std::vector<Sample> samples);
  void Counter(const std::string& name, const std::string& help, double value) {
    Counter(name, help, {{{}, value}});
  }

  // How something has been spread since the process began.
  void Histogram(const std::string& name, const std::string& help,
                 const Distribution& distribution);

  std::string Text() const;

 private:
  prometheus::MetricFamily& AddFamily(const std::string& name,
                                      const std::string& help,
                                      prometheus::MetricType type);
  void Add(const std::string& name, const std::string& help,
           prometheus::MetricType type, std::vector<Sample> samples);

  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace rehai

#endif  // CONTROLLER_API_METRIC_PAGE_H_
