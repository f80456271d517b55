// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/uuid.h"

#include <gtest/gtest.h>

#include "absl/status/status.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

TEST(UuidTest, IsReadInEitherCase) {
  const GuestId id{"6b29fc40-ca47-1067-b31d-00dd010662da"};
  EXPECT_THAT(ParseGuestId("6b29fc40-ca47-1067-b31d-00dd010662da"),
              IsOkAndHolds(id));
  EXPECT_THAT(ParseGuestId("6B29FC40-CA47-1067-B31D-00DD010662DA"),
              IsOkAndHolds(id));
}

TEST(UuidTest, RefusesEverythingElse) {
  for (const char* text : {
           "",
           "web01",
           "6b29fc40ca471067b31d00dd010662da",
           "6b29fc40-ca47-1067-b31d-00dd010662d",
           "6b29fc40-ca47-1067-b31d-00dd010662daa",
           "6b29fc40-ca47-1067-b31d-00dd010662dg",
           "6b29fc40+ca47-1067-b31d-00dd010662da",
           "{6b29fc40-ca47-1067-b31d-00dd010662da}",
       }) {
    EXPECT_THAT(ParseGuestId(text),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << text;
  }
}

}  // namespace
}  // namespace rehai
