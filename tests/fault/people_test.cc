// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fault/people.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/integration/node_view.h"
#include "tests/lab/goiardi.h"
#include "tests/lab/process.h"
#include "tests/lab/race_log.h"
#include "tests/matchers.h"

namespace rehai::fault {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class PeopleTest : public testing::Test {
 protected:
  void SetUp() override {
    auto chef = lab::Goiardi::Start({.tls = false});
    ASSERT_THAT(chef, IsOk());
    chef_ = *std::move(chef);
    ASSERT_THAT(chef_->CreateNode(integration::SmallNode("hv1")), IsOk());
  }
  void Start(const std::string& node, absl::Duration interval) {
    auto people =
        People::Start({.nodes = {node},
                       .account = {.server_url = chef_->url(),
                                   .client_name = chef_->admin_name(),
                                   .client_key_file = chef_->admin_key_file()},
                       .interval = interval});
    ASSERT_THAT(people, IsOk());
    people_ = *std::move(people);
  }
  absl::Status AwaitEdits(size_t count) {
    return lab::WaitUntil(absl::Seconds(30), [&] {
      return people_->edits().size() >= count
                 ? absl::OkStatus()
                 : absl::UnavailableError("not yet");
    });
  }

  std::unique_ptr<lab::Goiardi> chef_;
  std::unique_ptr<People> people_;
};

TEST_F(PeopleTest, TellWhatTheyPutLast) {
  Start("hv1", absl::Milliseconds(10));
  ASSERT_THAT(AwaitEdits(3), IsOk());
  people_->Stop();
  ASSERT_THAT(people_->EditNow("hv1"), IsOk());
  EXPECT_THAT(people_->status(), IsOk());
  const People::Edit last = people_->edits().back();
  EXPECT_EQ(last.node, "hv1");
  EXPECT_THAT(last.saved, HasSubstr("role[r"));
  EXPECT_LE(last.begin, last.end);
  const auto kept = chef_->GetNode("hv1");
  ASSERT_THAT(kept, IsOk());
  EXPECT_EQ(lab::ForeignPart(*kept).value(),
            lab::ForeignPart(last.saved).value());
}

TEST_F(PeopleTest, AnEditThatIsRefusedIsToldAndNotCounted) {
  Start("no-such-node", absl::Hours(1));
  people_->Stop();
  EXPECT_FALSE(people_->EditNow("no-such-node").ok());
  EXPECT_FALSE(people_->status().ok());
  EXPECT_THAT(people_->edits(), SizeIs(0));
}

}  // namespace
}  // namespace rehai::fault
