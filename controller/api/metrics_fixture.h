// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_METRICS_FIXTURE_H_
#define CONTROLLER_API_METRICS_FIXTURE_H_

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/file.h"
#include "tests/matchers.h"

// What the tests of metrics share.
namespace rehai {

template <typename Message>
Message FromText(const char* text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

// A page of metrics, read as Prometheus reads it.
struct Page {
  explicit Page(const std::string& text) {
    for (const absl::string_view line :
         absl::StrSplit(text, '\n', absl::SkipEmpty())) {
      const std::vector<std::string> words =
          absl::StrSplit(line, absl::MaxSplits(' ', 3));
      if (words[0] == "#") {
        if (words[1] == "HELP") helps[words[2]] = words[3];
        if (words[1] == "TYPE") types[words[2]] = words[3];
        continue;
      }
      const size_t space = line.rfind(' ');
      double value = 0;
      EXPECT_TRUE(absl::SimpleAtod(line.substr(space + 1), &value)) << line;
      const std::string series(line.substr(0, space));
      EXPECT_TRUE(samples.emplace(series, value).second) << "twice: " << line;
      names.insert(MetricOf(series));
    }
  }

  // The name of the metric that a series is of. Those of a histogram have its
  // name with an ending.
  std::string MetricOf(const std::string& series) const {
    const std::string name = series.substr(0, series.find('{'));
    for (const char* ending : {"_bucket", "_count", "_sum"}) {
      const std::string whole(absl::StripSuffix(name, ending));
      const auto type = types.find(whole);
      if (type != types.end() && type->second == "histogram") return whole;
    }
    return name;
  }

  std::map<std::string, std::string> helps;
  std::map<std::string, std::string> types;
  std::map<std::string, double> samples;  // by name and labels, as written
  std::set<std::string> names;            // of metrics
};

// Expects the page to have these series, and no other metric than theirs.
inline void ExpectExactly(const Page& page,
                          const std::map<std::string, double>& expected) {
  std::set<std::string> names;
  for (const auto& [series, value] : expected) {
    EXPECT_THAT(page.samples, testing::Contains(testing::Pair(series, value)));
    names.insert(page.MetricOf(series));
  }
  EXPECT_EQ(page.names, names);
}

// Expects each metric to say what it is, and to be called as its type wants it.
inline void ExpectHelpsAndTypes(const Page& page) {
  for (const std::string& name : page.names) {
    EXPECT_THAT(page.helps, testing::Contains(testing::Key(name)));
    ASSERT_THAT(page.types, testing::Contains(testing::Key(name)));
    EXPECT_EQ(page.types.at(name) == "counter", absl::EndsWith(name, "_total"))
        << name;
  }
}

// Expects docs/metrics.md to have a line for each metric.
inline void ExpectDocumented(const Page& page) {
  const auto documentation = ReadFile("docs/metrics.md");
  ASSERT_THAT(documentation, IsOk());
  for (const std::string& name : page.names) {
    EXPECT_TRUE(absl::StrContains(*documentation, absl::StrCat("`", name, "`")))
        << name << " is not in docs/metrics.md";
  }
}

}  // namespace rehai

#endif  // CONTROLLER_API_METRICS_FIXTURE_H_
