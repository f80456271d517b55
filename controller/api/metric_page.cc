// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/metric_page.h"

#include "prometheus/text_serializer.h"

namespace rehai {

void MetricPage::Gauge(const std::string& name, const std::string& help,
                       std::vector<Sample> samples) {
  Add(name, help, prometheus::MetricType::Gauge, std::move(samples));
}

void MetricPage::Counter(const std::string& name, const std::string& help,
                         std::vector<Sample> samples) {
  Add(name, help, prometheus::MetricType::Counter, std::move(samples));
}

void MetricPage::Histogram(const std::string& name, const std::string& help,
                           const Distribution& distribution) {
  prometheus::ClientMetric::Histogram& histogram =
      AddFamily(name, help, prometheus::MetricType::Histogram)
          .metric.emplace_back()
          .histogram;
  histogram.sample_count = distribution.count;
  histogram.sample_sum = distribution.sum;
  for (const Distribution::Bucket& bucket : distribution.buckets) {
    prometheus::ClientMetric::Bucket& line = histogram.bucket.emplace_back();
    line.upper_bound = bucket.upper_bound;
    line.cumulative_count = bucket.count;
  }
}

std::string MetricPage::Text() const {
  return prometheus::TextSerializer().Serialize(families_);
}

prometheus::MetricFamily& MetricPage::AddFamily(const std::string& name,
                                                const std::string& help,
                                                prometheus::MetricType type) {
  prometheus::MetricFamily& family = families_.emplace_back();
  family.name = name;
  family.help = help;
  family.type = type;
  return family;
}

void MetricPage::Add(const std::string& name, const std::string& help,
                     prometheus::MetricType type, std::vector<Sample> samples) {
  if (samples.empty()) return;
  prometheus::MetricFamily& family = AddFamily(name, help, type);
  for (Sample& sample : samples) {
    prometheus::ClientMetric& metric = family.metric.emplace_back();
    for (auto& [label, value] : sample.labels) {
      metric.label.push_back({std::move(label), std::move(value)});
    }
    // The type says which of the two is written.
    metric.counter.value = sample.value;
    metric.gauge.value = sample.value;
  }
}

}  // namespace rehai
