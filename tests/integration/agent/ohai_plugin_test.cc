// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// agent/ohai/rehai.rb in the real Ohai, with files as SnapshotFile writes them
// and as it never would.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "agent/snapshot_file.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/proto_time.h"
#include "chef/ohai_output.h"
#include "chef/rendering.h"
#include "rehai/v1/model.pb.h"
#include "tests/lab/process.h"
#include "tests/lab/runfile.h"
#include "tests/lab/temp_folder.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

v1::Record RecordSeenAt(absl::Time observed_at) {
  v1::Record record;
  record.set_node("hv1");
  record.set_revision(1);
  *record.mutable_provenance()->mutable_observed_at() = ToProto(observed_at);
  record.mutable_facts()->set_hostname("hv1.example.com");
  v1::Guest& guest = *record.add_guests();
  guest.set_name("web01");
  guest.set_uuid("10000000-0000-4000-8000-000000000001");
  guest.set_title("caf\u00e9 \"<&>\"");
  guest.set_max_memory_kib(8'589'934'592);
  return record;
}

class OhaiPluginTest : public testing::Test {
 protected:
  void SetUp() override {
    auto folder = lab::TempFolder::Create("snapshot");
    ASSERT_THAT(folder, IsOk());
    folder_ = *std::move(folder);
    const auto plugin = lab::Runfile("agent/ohai/rehai.rb");
    ASSERT_THAT(plugin, IsOk());
    plugin_folder_ = FolderOf(*plugin);
    path_ = *folder_ / "snapshot.json";
  }

  void WriteSnapshot(absl::Time observed_at,
                     chef::RenderingOptions options = {.kvm_extensions = true,
                                                       .ohai_libvirt = true}) {
    agent::SnapshotFile file(path_, options, Clock::Real());
    ASSERT_THAT(file.Write(RecordSeenAt(observed_at)), IsOk());
  }

  void WriteText(const std::string& text) {
    ASSERT_THAT(WriteFileAtomically(
                    path_, absl::string_view(text.data(), text.size()), 0640),
                IsOk());
  }

  // What the real Ohai prints with `arguments`. It must end well.
  static lab::RunResult Ohai(const std::vector<std::string>& arguments,
                             const std::string& snapshot = "absent") {
    std::vector<std::string> argv = {"ohai"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    const auto result = lab::RunProgram(
        {.argv = argv, .environment = {{"REHAI_SNAPSHOT", snapshot}}}, "",
        absl::Minutes(2));
    EXPECT_THAT(result, IsOk());
    EXPECT_EQ(result->exit_status, 0) << result->error;
    return result.value_or(lab::RunResult());
  }

  lab::RunResult WithPlugin(std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.begin(), {"-d", plugin_folder_});
    return Ohai(arguments, path_);
  }

  // What Ohai says of this machine by itself.
  static const json& Virtualization() {
    static const auto* const found =
        new json(json::parse(Ohai({"virtualization"}).output));
    return *found;
  }
  static const json& Alone() {
    static const auto* const found = new json(json::parse(Ohai({}).output));
    return *found;
  }

  json Snapshot() { return json::parse(ReadFile(path_).value_or("")); }

  // Nothing of the snapshot's is told, and nothing of Ohai's is missing.
  void ExpectIsNotUsed(const std::string& why) {
    SCOPED_TRACE(why);
    const lab::RunResult run = WithPlugin({"virtualization"});
    EXPECT_EQ(json::parse(run.output), Virtualization());
    if (why.empty()) {
      EXPECT_THAT(run.error, Not(HasSubstr("Plugin Rehai")));
    } else {
      EXPECT_THAT(run.error, HasSubstr(why));
    }
  }

  std::unique_ptr<lab::TempFolder> folder_;
  std::string plugin_folder_;
  std::string path_;
};

std::set<std::string> Keys(const json& object) {
  std::set<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.insert(key);
  return keys;
}

TEST_F(OhaiPluginTest, AFreshSnapshotIsToldFieldByField) {
  WriteSnapshot(Clock::Real().Now());
  const lab::RunResult with = WithPlugin();
  EXPECT_THAT(with.error, Not(HasSubstr("Plugin Rehai")));
  json told = json::parse(with.output);
  const json ours = Snapshot()["automatic"];
  ASSERT_FALSE(ours["virtualization"]["kvm"]["guests"].empty());
  EXPECT_EQ(told["virtualization"]["kvm"], ours["virtualization"]["kvm"]);
  EXPECT_EQ(told["libvirt"], ours["libvirt"]);
  EXPECT_EQ(told["rehai"], ours["rehai"]);

  // Beside that it is what Ohai says without the plugin.
  told["virtualization"].erase("kvm");
  EXPECT_EQ(told["virtualization"], Virtualization());
  json alone = Alone();
  alone.erase("libvirt");
  told.erase("libvirt");
  told.erase("rehai");
  EXPECT_EQ(Keys(told), Keys(alone));
  EXPECT_EQ(told["platform"], alone["platform"]);
}

TEST_F(OhaiPluginTest, WhatTheAgentDoesNotRenderIsOhais) {
  WriteSnapshot(Clock::Real().Now(), {.kvm_extensions = false});
  const json told = json::parse(WithPlugin({"virtualization"}).output);
  EXPECT_EQ(told, Virtualization());
  EXPECT_EQ(json::parse(WithPlugin({"rehai"}).output),
            Snapshot()["automatic"]["rehai"]);
}

TEST_F(OhaiPluginTest, AnOldSnapshotIsNotUsed) {
  WriteSnapshot(Clock::Real().Now() - absl::Minutes(9));
  EXPECT_EQ(json::parse(WithPlugin({"virtualization"}).output)["kvm"],
            Snapshot()["automatic"]["virtualization"]["kvm"]);
  WriteSnapshot(Clock::Real().Now() - absl::Minutes(11));
  ExpectIsNotUsed("s old");
  // Nor one of a clock that was wrong.
  WriteSnapshot(Clock::Real().Now() + absl::Minutes(11));
  ExpectIsNotUsed("s old");
}

TEST_F(OhaiPluginTest, NoSnapshotIsNothingToComplainAbout) {
  ExpectIsNotUsed("");
}

TEST_F(OhaiPluginTest, WhatIsNoSnapshotIsNotUsed) {
  WriteSnapshot(Clock::Real().Now());
  const json good = Snapshot();
  std::vector<std::string> bad = {
      "", "[]", "7", "{}", "\xff{\"a\":", good.dump().substr(0, 200)};
  for (const auto& [pointer, value] : std::vector<std::pair<std::string, json>>{
           {"/schema", 2},
           {"/observed_at", "today"},
           {"/automatic", json::array()},
           {"/automatic/virtualization", "kvm"},
           {"/automatic/virtualization/kvm", 7},
           {"/automatic/libvirt", "x"},
           {"/automatic/rehai", json::array()}}) {
    json changed = good;
    changed[json::json_pointer(pointer)] = value;
    bad.push_back(changed.dump());
  }
  for (const std::string& text : bad) {
    SCOPED_TRACE(text.substr(0, 100));
    WriteText(text);
    ExpectIsNotUsed("the agent's snapshot is not used");
  }
}

TEST_F(OhaiPluginTest, AWholeRunGoesOnWithABadSnapshot) {
  WriteText("{");
  const std::string printed = WithPlugin().output;
  EXPECT_EQ(Keys(json::parse(printed)), Keys(Alone()));
}

TEST_F(OhaiPluginTest, ItsRehaiTreeIsNotTakenForOhais) {
  WriteSnapshot(Clock::Real().Now());
  const auto output = chef::ParseOhaiOutput(WithPlugin().output, true, true);
  ASSERT_THAT(output, IsOk());
  EXPECT_THAT(output->subtrees, Not(IsEmpty()));
  for (const chef::Subtree& subtree : output->subtrees) {
    EXPECT_NE(subtree.path.back(), "rehai");
  }
}

}  // namespace
}  // namespace rehai
