// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Promise 2, "Not one byte that is not ours", on a real server: what Chef holds
// beside our attributes is after a hundred updates what it was before, byte for
// byte.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "chef/node_document.h"
#include "tests/integration/eventually.h"
#include "tests/integration/front_end.h"
#include "tests/integration/node_view.h"
#include "tests/lab/controller_process.h"
#include "tests/lab/flat_libvirtd.h"
#include "tests/lab/goiardi.h"
#include "tests/matchers.h"

namespace rehai::integration {
namespace {

using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr int kUpdates = 100;

// `text` without the member at `path`: its key, its value and the comma that
// joined it to its neighbour. goiardi writes no spaces.
std::string Without(const std::string& text,
                    const std::vector<std::string>& path) {
  const auto value = chef::FindValue(text, path);
  EXPECT_THAT(value, IsOk());
  if (!value.ok() || !value->has_value()) return text;
  const std::string key = absl::StrCat("\"", path.back(), "\":");
  size_t begin = (*value)->data() - text.data();
  size_t end = begin + (*value)->size();
  EXPECT_TRUE(absl::EndsWith(absl::string_view(text).substr(0, begin), key));
  begin -= key.size();
  if (text[end] == ',') {
    ++end;
  } else if (text[begin - 1] == ',') {
    --begin;
  }
  return text.substr(0, begin) + text.substr(end);
}

// Everything in a node but our three trees.
std::string Foreign(std::string text) {
  for (const std::vector<std::string>& path :
       std::vector<std::vector<std::string>>{
           {"automatic", "virtualization", "kvm"},
           {"automatic", "libvirt"},
           {"automatic", "rehai"}}) {
    text = Without(text, path);
  }
  return text;
}

// Where two texts part, with what is around it.
std::string FirstDifference(const std::string& a, const std::string& b) {
  size_t i = 0;
  while (i < a.size() && i < b.size() && a[i] == b[i]) ++i;
  const size_t from = i < 60 ? 0 : i - 60;
  return absl::StrCat("at byte ", i, ": ", a.substr(from, 120),
                      "\nand: ", from < b.size() ? b.substr(from, 120) : "");
}

TEST(ForeignBytesTest, AreUnchangedAfterAHundredUpdates) {
  const auto chef = lab::Goiardi::Start();
  ASSERT_THAT(chef, IsOk());
  ASSERT_THAT(OhaiNode(), SizeIs(Gt(110'000)));
  ASSERT_THAT((*chef)->CreateNode(OhaiNode()), IsOk());
  const std::string before = (*chef)->GetNode("hv1").value_or("");
  const auto libvirtd = lab::FlatLibvirtd::Start();
  ASSERT_THAT(libvirtd, IsOk());
  const auto controller = lab::ControllerProcess::Start(
      **chef,
      {.hosts = {{.node = "hv1", .uri = (*libvirtd)->uri()}}, .window = "1ms"});
  ASSERT_THAT(controller, IsOk());
  FrontEnd front_end((*controller)->address());

  // Each state is written before the next is made, so none is coalesced.
  int64_t written = 0;
  const auto is_written = [&](const std::string& state) {
    const auto host = front_end.GetHost("hv1");
    if (!host.ok() || front_end.StateOf("test") != state) return false;
    const bool done = host->sync().state() == v1::SYNC_STATE_SYNCED &&
                      host->sync().applied_revision() > written;
    if (done) written = host->sync().applied_revision();
    return done;
  };
  ASSERT_TRUE(
      Eventually([&] { return is_written("GUEST_STATE_RUNNING"); }, true));
  for (int i = 0; i < kUpdates; ++i) {
    const bool suspend = i % 2 == 0;
    ASSERT_THAT((*libvirtd)->Virsh({suspend ? "suspend" : "resume", "test"}),
                IsOk());
    ASSERT_TRUE(Eventually(
        [&] {
          return is_written(suspend ? "GUEST_STATE_PAUSED"
                                    : "GUEST_STATE_RUNNING");
        },
        true))
        << "update " << i;
  }

  const std::string after = (*chef)->GetNode("hv1").value_or("");
  EXPECT_EQ(ShownIn(before, "test"), kShownNowhere);
  EXPECT_EQ(ShownIn(after, "test"), kShownRunning);
  const std::string foreign = Foreign(before);
  ASSERT_THAT(foreign, SizeIs(Gt(70'000)));
  ASSERT_THAT(foreign, Not(HasSubstr("web01.example.com")));
  // Not EXPECT_EQ: it would print both.
  EXPECT_TRUE(Foreign(after) == foreign)
      << FirstDifference(foreign, Foreign(after));
}

}  // namespace
}  // namespace rehai::integration
