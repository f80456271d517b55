// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/ohai_intake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "controller/sync/syncer_fixture.h"

namespace rehai {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class OhaiIntakeTest : public SyncerTest {
 protected:
  void Take(const std::string& json, bool write_ohai_time = false) {
    v1::OhaiResult result;
    result.set_json(json);
    result.set_whole(true);
    Take(result, write_ohai_time);
  }
  void TakeError(const std::string& error) {
    v1::OhaiResult result;
    result.set_error(error);
    Take(result, /*write_ohai_time=*/false);
  }
  // What the log says of it.
  std::string LogOf(const std::string& json) {
    testing::internal::CaptureStderr();
    Take(json);
    return testing::internal::GetCapturedStderr();
  }

 private:
  void Take(const v1::OhaiResult& result, bool write_ohai_time) {
    if (intake_ == nullptr) {
      intake_ = std::make_unique<OhaiIntake>(*syncer_, clock_, write_ohai_time);
    }
    intake_->Take(kHost, result);
    syncer_->Tick();
  }

  std::unique_ptr<OhaiIntake> intake_;
};

TEST_F(OhaiIntakeTest, WhatOhaiFoundIsWritten) {
  Sync();
  Take(R"({"uptime":"7","ohai_time":1500.5})");
  EXPECT_THAT(sink_.ohai(kHost.node), ElementsAre(Pair("uptime", "\"7\"")));
}

TEST_F(OhaiIntakeTest, OhaiTimeTooIfThatIsWanted) {
  Sync();
  Take(R"({"uptime":"7","ohai_time":1500.5})", /*write_ohai_time=*/true);
  EXPECT_THAT(sink_.ohai(kHost.node),
              UnorderedElementsAre(Pair("uptime", "\"7\""),
                                   Pair("ohai_time", "1500.5")));
}

TEST_F(OhaiIntakeTest, ATroubleIsLoggedOncePerCauseAndItsEndOnce) {
  Sync();
  EXPECT_THAT(LogOf("nonsense"),
              AllOf(HasSubstr("ohai not written"), HasSubstr("hv1")));
  EXPECT_THAT(LogOf("more nonsense"), IsEmpty());
  sink_.Script(kHost.node, v1::WRITE_OUTCOME_TOO_LARGE);
  EXPECT_THAT(LogOf(R"({"uptime":"7"})"),
              AllOf(HasSubstr("ohai not written"), HasSubstr("TOO_LARGE")));
  EXPECT_THAT(LogOf(R"({"uptime":"8"})"), HasSubstr("ohai written again"));
  EXPECT_THAT(LogOf(R"({"uptime":"9"})"), IsEmpty());
  EXPECT_THAT(LogOf("nonsense"), HasSubstr("ohai not written"));
}

TEST_F(OhaiIntakeTest, WhatTheAgentSaysOfAFailureIsLogged) {
  Sync();
  testing::internal::CaptureStderr();
  TakeError("ohai: exited with 1; run it by hand");
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("exited with 1"));
  EXPECT_EQ(Writes(), 1u);
}

TEST_F(OhaiIntakeTest, ANewerRunIsNoTrouble) {
  Sync();
  EXPECT_THAT(LogOf(R"({"uptime":"7","ohai_time":1})"), Not(HasSubstr("ohai")));
  EXPECT_THAT(sink_.ohai(kHost.node), IsEmpty());
}

TEST_F(OhaiIntakeTest, AHostThatIsNotInTheFleetIsNotLogged) {
  EXPECT_THAT(LogOf(R"({"uptime":"7"})"), IsEmpty());
}

}  // namespace
}  // namespace rehai
