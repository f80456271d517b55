// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/enrolment/agent_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kUuid[] = "4c4c4544-0031-4410-8051-b4c04f573032";
constexpr char kOtherUuid[] = "11111111-2222-3333-4444-555555555555";

TEST(AgentNamesTest, ReadsWhatTheControllerIssuesAndWhatOthersDo) {
  const AgentNames names = ReadAgentNames(
      {NodeUri({"hv1"}), "urn:uuid:4C4C4544-0031-4410-8051-B4C04F573032",
       "spiffe://example.com/other"},
      {"hv1.example.com"});
  EXPECT_THAT(names.nodes, ElementsAre("hv1", "hv1.example.com"));
  EXPECT_THAT(names.host_uuids, ElementsAre(kUuid));
}

TEST(AgentNamesTest, EmptyNamesAndWildcardsNameNoHost) {
  const AgentNames names = ReadAgentNames({"rehai:node:", "urn:uuid:"},
                                          {"*.example.com", "", "hv*"});
  EXPECT_THAT(names.nodes, IsEmpty());
  EXPECT_THAT(names.host_uuids, IsEmpty());
}

TEST(AgentNamesTest, ACertificateSpeaksForItsNode) {
  const AgentNames names = ReadAgentNames({NodeUri({"hv1"})}, {});
  EXPECT_THAT(MaySpeakFor(names, {"hv1"}, kUuid), IsOk());
  EXPECT_THAT(MaySpeakFor(names, {"hv1"}, ""), IsOk());
  EXPECT_THAT(MaySpeakFor(names, {"hv2"}, kUuid),
              StatusIs(absl::StatusCode::kPermissionDenied,
                       HasSubstr("is for node hv1")));
  EXPECT_THAT(MaySpeakFor(names, {"HV1"}, kUuid),
              StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST(AgentNamesTest, ACertificateSpeaksForItsHostUuidWhateverTheNodesName) {
  const AgentNames names =
      ReadAgentNames({"urn:uuid:4c4c4544-0031-4410-8051-b4c04f573032"}, {});
  EXPECT_THAT(
      MaySpeakFor(names, {"hv1"}, "4C4C4544-0031-4410-8051-B4C04F573032"),
      IsOk());
  EXPECT_THAT(MaySpeakFor(names, {"hv1"}, kOtherUuid),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(MaySpeakFor(names, {"hv1"}, ""),
              StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST(AgentNamesTest, ACertificateWithBothNeedsBoth) {
  const AgentNames names = ReadAgentNames(
      {NodeUri({"hv1"}), "urn:uuid:4c4c4544-0031-4410-8051-b4c04f573032"}, {});
  EXPECT_THAT(MaySpeakFor(names, {"hv1"}, kUuid), IsOk());
  EXPECT_THAT(MaySpeakFor(names, {"hv2"}, kUuid),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(MaySpeakFor(names, {"hv1"}, kOtherUuid),
              StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST(AgentNamesTest, ACertificateWithoutAHostSpeaksForNone) {
  EXPECT_THAT(MaySpeakFor(AgentNames(), {"hv1"}, kUuid),
              StatusIs(absl::StatusCode::kPermissionDenied,
                       HasSubstr("names no host")));
}

}  // namespace
}  // namespace rehai
