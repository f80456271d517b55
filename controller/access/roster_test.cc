// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/access/roster.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr char kToken[] = "kO3sPz0-not-to-be-guessed";

Evidence WithCertificate(std::vector<CertificateName> names) {
  return {.address = "ipv4:192.0.2.7:40112",
          .over_tls = true,
          .names = std::move(names)};
}

Evidence WithToken(const std::string& token,
                   const std::string& address = "ipv4:192.0.2.7:40112",
                   bool over_tls = true) {
  return {.address = address,
          .over_tls = over_tls,
          .authorization = {absl::StrCat("Bearer ", token)}};
}

Roster SomeRoster(Role default_role = Role::kNone) {
  Roster::Options options;
  options.grants.push_back(
      {.role = Role::kReader, .certificates = {"*.front.example.com"}});
  options.grants.push_back({.role = Role::kOperator,
                            .name = "night shift",
                            .certificates = {"*.ops.example.com", "CN:bob"},
                            .tokens = {Sha256Of(kToken)}});
  options.grants.push_back(
      {.role = Role::kAdmin, .certificates = {"alice.ops.example.com"}});
  options.grants.push_back(
      {.role = Role::kReader, .tokens = {Sha256Of("dashboard's")}});
  options.default_role = default_role;
  return Roster(std::move(options));
}

TEST(RosterTest, WithoutGrantsEverybodyIsAnAdmin) {
  const Roster roster{Roster::Options{}};
  const auto local = roster.Identify({.address = "unix:"});
  ASSERT_THAT(local, IsOk());
  EXPECT_EQ(local->role, Role::kAdmin);
  EXPECT_EQ(local->name, "unix:");
  const auto alice = roster.Identify(WithCertificate({{"CN", "alice"}}));
  EXPECT_EQ(alice->role, Role::kAdmin);
  EXPECT_EQ(alice->name, "alice");
  // There is nothing that a token could be compared with.
  EXPECT_THAT(roster.Identify(WithToken("any")), IsOk());
}

TEST(RosterTest, ACertificateHasTheHighestOfItsRoles) {
  const Roster roster = SomeRoster();
  const auto alice =
      roster.Identify(WithCertificate({{"DNS", "alice.ops.example.com"}}));
  EXPECT_EQ(alice->role, Role::kAdmin);
  EXPECT_EQ(alice->name, "alice.ops.example.com");
  const auto two = roster.Identify(
      WithCertificate({{"DNS", "a.front.example.com"}, {"CN", "bob"}}));
  EXPECT_EQ(two->role, Role::kOperator);
}

TEST(RosterTest, AnEntrysNameIsTheCallersButItsLimitsAreEachOnesOwn) {
  const Roster roster = SomeRoster();
  const auto carol =
      roster.Identify(WithCertificate({{"DNS", "carol.ops.example.com"}}));
  EXPECT_EQ(carol->name, "night shift");
  EXPECT_EQ(carol->client, "carol.ops.example.com");
}

TEST(RosterTest, WhoMatchesNothingHasTheDefaultRole) {
  const Evidence mallory = WithCertificate({{"CN", "mallory"}});
  EXPECT_EQ(SomeRoster().Identify(mallory)->role, Role::kNone);
  EXPECT_EQ(SomeRoster(Role::kReader).Identify(mallory)->role, Role::kReader);
  EXPECT_EQ(SomeRoster().Identify({.address = "unix:"})->role, Role::kNone);
}

TEST(RosterTest, ATokenDecidesAlone) {
  const Roster roster = SomeRoster();
  Evidence alice = WithToken("dashboard's");
  alice.names = {{"DNS", "alice.ops.example.com"}};
  const auto caller = roster.Identify(alice);
  ASSERT_THAT(caller, IsOk());
  EXPECT_EQ(caller->role, Role::kReader);
  EXPECT_THAT(caller->name, testing::MatchesRegex("token [0-9a-f]{8}"));
  EXPECT_EQ(roster.Identify(WithToken(kToken))->name, "night shift");
}

TEST(RosterTest, AWrongTokenIsNobodyWhateverElseIsShown) {
  const Roster roster = SomeRoster(Role::kReader);
  Evidence alice = WithToken("s3cret-guess");
  alice.names = {{"DNS", "alice.ops.example.com"}};
  const absl::Status status = roster.Identify(alice).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("192.0.2.7"), HasSubstr("api.roles"),
                    Not(HasSubstr("s3cret"))));
}

TEST(RosterTest, OtherAuthorizationsAreRefusedAndNotShown) {
  const Roster roster = SomeRoster();
  for (const std::string value : {"Basic czNjcmV0", "s3cret", ""}) {
    Evidence evidence = WithToken("");
    evidence.authorization = {value};
    const absl::Status status = roster.Identify(evidence).status();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnauthenticated));
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("cret")));
  }
  Evidence twice = WithToken(kToken);
  twice.authorization.push_back(twice.authorization[0]);
  EXPECT_THAT(roster.Identify(twice),
              StatusIs(absl::StatusCode::kUnauthenticated));
}

TEST(RosterTest, ATokenIsTakenOnlyWhereNobodyElseCanReadIt) {
  const Roster roster = SomeRoster();
  for (const char* address :
       {"unix:", "unix:/run/rehai.sock", "ipv4:127.0.0.1:5", "ipv6:[::1]:5",
        "ipv6:%5B::1%5D:5"}) {
    EXPECT_THAT(roster.Identify(WithToken(kToken, address, false)), IsOk())
        << address;
  }
  for (const char* address :
       {"ipv4:192.0.2.7:5", "ipv6:[2001:db8::1]:5", "ipv4:12.7.0.1:5"}) {
    EXPECT_THAT(roster.Identify(WithToken(kToken, address, false)),
                StatusIs(absl::StatusCode::kUnauthenticated))
        << address;
  }
}

TEST(RosterTest, LimitsGoByNameAndElseByAddressButNotOnThisMachine) {
  const Roster roster = SomeRoster();
  EXPECT_EQ(roster.Identify({.address = "ipv4:127.0.0.1:5"})->client, "");
  EXPECT_EQ(roster.Identify({.address = "unix:"})->client, "");
  EXPECT_EQ(roster.Identify({.address = "ipv4:192.0.2.7:5"})->client,
            "ipv4:192.0.2.7");
  EXPECT_EQ(roster
                .Identify({.address = "ipv4:127.0.0.1:5",
                           .over_tls = true,
                           .names = {{"CN", "bob"}}})
                ->client,
            "bob");
}

TEST(RosterTest, NamesFromCertificatesAreCutAndReadable) {
  const auto caller = SomeRoster().Identify(
      WithCertificate({{"CN", std::string(5000, 'x') + "\xff"}}));
  EXPECT_LE(caller->name.size(), 256u);
}

TEST(RosterTest, ARefusalSaysWhatIsMissingAndWhoGrantsIt) {
  const Roster roster = SomeRoster();
  const Evidence mallory = WithCertificate({{"CN", "mallory"}});
  const absl::Status refused = CheckMay(*roster.Identify(mallory), mallory,
                                        "Resync.Start", Role::kOperator);
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(std::string(refused.message()),
              AllOf(HasSubstr("Resync.Start"), HasSubstr("CN:mallory"),
                    HasSubstr("operator"), HasSubstr("api.roles")));
  const Evidence front = WithCertificate({{"DNS", "a.front.example.com"}});
  EXPECT_THAT(
      CheckMay(*roster.Identify(front), front, "Fleet.GetHost", Role::kReader),
      IsOk());
  EXPECT_THAT(std::string(CheckMay(*roster.Identify(front), front,
                                   "Resync.Start", Role::kOperator)
                              .message()),
              HasSubstr("its role is reader"));
}

TEST(RosterTest, Sha256SumsAreReadAsSha256sumPrintsThem) {
  // printf %s abc | sha256sum
  const auto sum = ParseSha256(
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  ASSERT_THAT(sum, IsOk());
  EXPECT_EQ(*sum, Sha256Of("abc"));
  EXPECT_THAT(ParseSha256("ba78"),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ParseSha256(std::string(64, 'g')),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace rehai
