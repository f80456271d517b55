// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/structured_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "google/protobuf/text_format.h"
#include "rehai/v1/model.pb.h"

namespace rehai::cli {
namespace {

v1::StoragePool Pool() {
  v1::StoragePool pool;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(name: "default"
           state: 2
           capacity_bytes: 5000000000
           volumes { name: "a b" key: "k" })pb",
      &pool));
  return pool;
}

TEST(StructuredOutputTest, JsonHasTheProtosNamesInTheirOrder) {
  EXPECT_EQ(ToJson(Pool()),
            R"({
  "name": "default",
  "uuid": "",
  "state": 2,
  "autostart": false,
  "capacity_bytes": "5000000000",
  "allocation_bytes": "0",
  "available_bytes": "0",
  "volumes": [
    {
      "name": "a b",
      "key": "k",
      "path": "",
      "type": 0,
      "capacity_bytes": "0",
      "allocation_bytes": "0"
    }
  ]
}
)");
}

TEST(StructuredOutputTest, AJsonLineIsOneLine) {
  v1::Condition condition;
  condition.set_message("two\nlines");
  EXPECT_EQ(ToJsonLine(condition),
            "{\"type\":\"\",\"message\":\"two\\nlines\"}\n");
}

TEST(StructuredOutputTest, YamlHasTheSameContent) {
  EXPECT_EQ(ToYaml(Pool()),
            R"(name: default
uuid: ""
state: 2
autostart: false
capacity_bytes: "5000000000"
allocation_bytes: "0"
available_bytes: "0"
volumes:
  - name: a b
    key: k
    path: ""
    type: 0
    capacity_bytes: "0"
    allocation_bytes: "0"
)");
}

TEST(StructuredOutputTest, AnyTextComesBackFromYamlAsTheSameText) {
  for (const std::string text :
       {"",           " ",     "web01", "true", "No",          "null",
        "~",          "12",    "1e3",   "0x1f", "2026-11-24",  "a: b",
        "a #b",       "- a",   "*",     "&a",   "!x",          "%",
        "@",          "`",     "\"q\"", "'q'",  "back\\slash", "two\nlines",
        "tab\t",      "ends ", "äöü",   "[x]",  "{x}",         "y",
        "5000000000", "key:",  "=",     "<<",   "|",           ">"}) {
    v1::Condition condition;
    condition.set_message(text);
    const YAML::Node read = YAML::Load(ToYaml(condition));
    EXPECT_EQ(read["message"].as<std::string>(), text);
    // Quoted scalars are text; a plain one must not be read as anything else.
    if (read["message"].Tag() == "?") {
      bool as_bool;
      double as_number;
      EXPECT_FALSE(YAML::convert<bool>::decode(read["message"], as_bool))
          << text;
      EXPECT_FALSE(YAML::convert<double>::decode(read["message"], as_number))
          << text;
    }
  }
}

TEST(StructuredOutputTest, EmptyListsAndMapsAreWrittenAsSuch) {
  const YAML::Node record = YAML::Load(ToYaml(v1::Record()));
  EXPECT_TRUE(record["guests"].IsSequence());
  EXPECT_TRUE(record["labels"].IsMap());
}

}  // namespace
}  // namespace rehai::cli
