// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/json_writer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "chef/canonical_json.h"

namespace rehai::chef {
namespace {

using ::nlohmann::json;

std::string Quoted(const std::string& text) {
  JsonWriter json;
  json.Element(text);
  return std::move(json).Take();
}

TEST(JsonWriterTest, PutsCommasBetweenAndNowhereElse) {
  JsonWriter json;
  json.BeginObject();
  json.BeginArray("a");
  json.BeginObject();
  json.EndObject();
  json.BeginObject();
  json.Boolean("no", false);
  json.Boolean("yes", true);
  json.EndObject();
  json.Element("{");
  json.Element("");
  json.EndArray();
  json.BeginArray("b");
  json.EndArray();
  json.BeginObject("c");
  json.EndObject();
  json.String("d", "[");
  json.String("e", "text");
  json.EndObject();
  EXPECT_EQ(std::move(json).Take(),
            R"({"a":[{},{"no":false,"yes":true},"{",""],"b":[],"c":{},)"
            R"("d":"[","e":"text"})");
}

TEST(JsonWriterTest, WritesEveryDigitOfANumber) {
  JsonWriter json;
  json.BeginObject();
  json.Number("a", std::numeric_limits<int64_t>::min());
  json.Number("b", std::numeric_limits<uint64_t>::max());
  json.Number("c", 0);
  json.EndObject();
  EXPECT_EQ(std::move(json).Take(),
            R"({"a":-9223372036854775808,"b":18446744073709551615,"c":0})");
}

TEST(JsonWriterTest, SpellsTextAsCanonicalJsonDoes) {
  for (int c = 0; c < 256; ++c) {
    for (const std::string& text :
         {std::string(1, static_cast<char>(c)),
          "a guest's title " + std::string(1, static_cast<char>(c)) + "!"}) {
      EXPECT_EQ(Quoted(text), CanonicalJson(json(text))) << "byte " << c;
    }
  }
  for (const std::string text :
       {"", "C:\\vm", "\"", "gr\xC3\xBC\xC3\x9F", "\xF0\x9F\x90\xA7",
        "cut \xE2\x82", "lone \xED\xA0\x80", "\x7F"}) {
    EXPECT_EQ(Quoted(text), CanonicalJson(json(text))) << text;
  }
}

TEST(JsonWriterTest, SpellsKeysLikeText) {
  JsonWriter json;
  json.BeginObject();
  json.BeginObject("a \"quoted\" name");
  json.EndObject();
  json.EndObject();
  EXPECT_EQ(std::move(json).Take(), R"({"a \"quoted\" name":{}})");
}

}  // namespace
}  // namespace rehai::chef
