// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/matchers.h"

namespace rehai::chef {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Lt;
using ::testing::Not;
using ::testing::SizeIs;

const absl::Time kNow = absl::FromUnixSeconds(1795527759);

Subject Of(const std::string& method = "PUT") {
  return {.node = "hv1",
          .server_url = "https://chef.example.com",
          .client_name = "rehai",
          .method = method};
}

Response Json(int status, const std::string& body) {
  return {.status = status,
          .content_type = "application/json",
          .date = kNow,
          .body = body};
}

Response Error(int status, const std::string& words) {
  return Json(status, absl::StrCat(R"({"error":[")", words, R"("]})"));
}

Response Html(int status) {
  return {.status = status,
          .content_type = "text/html; charset=utf-8",
          .date = kNow,
          .body = "<html>\n<body>\n  Welcome\n</body></html>"};
}

// The failure, which there must be; its message always names node and server.
Failure Of(const absl::StatusOr<Response>& answer,
           const std::string& method = "PUT") {
  const auto failure = FindFailure(answer, Of(method), kNow);
  EXPECT_TRUE(failure.has_value());
  if (!failure.has_value()) return {};
  EXPECT_THAT(failure->status, Not(IsOk()));
  EXPECT_THAT(std::string(failure->status.message()), HasSubstr("node hv1"));
  EXPECT_THAT(std::string(failure->status.message()),
              HasSubstr("https://chef.example.com"));
  return *failure;
}

// A failure of this outcome, code and message.
testing::Matcher<Failure> Is(v1::WriteOutcome outcome, absl::StatusCode code,
                             const testing::Matcher<std::string>& message) {
  return AllOf(testing::Field(&Failure::outcome, outcome),
               testing::Field(&Failure::status, StatusIs(code, message)));
}

TEST(ErrorsTest, AnObjectWithA2xxIsNoFailure) {
  EXPECT_FALSE(FindFailure(Json(200, R"({"name":"hv1"})"), Of(), kNow));
  EXPECT_FALSE(FindFailure(Json(201, " {}\n"), Of(), kNow));
  Response charset = Json(200, "{}");
  charset.content_type = "application/json; charset=utf-8";
  EXPECT_FALSE(FindFailure(charset, Of(), kNow));
}

TEST(ErrorsTest, BadRequestRepeatsTheServersWords) {
  EXPECT_THAT(Of(Error(400, "Field 'run_list' invalid")),
              Is(v1::WRITE_OUTCOME_REJECTED, absl::StatusCode::kInvalidArgument,
                 HasSubstr("400: Field 'run_list' invalid")));
}

TEST(ErrorsTest, AWrongKeyNamesTheKeyFile) {
  for (const char* const words :
       {"Invalid signature for user or client 'rehai'",
        "crypto/rsa: verification error"}) {
    EXPECT_THAT(
        Of(Error(401, words)),
        Is(v1::WRITE_OUTCOME_UNAUTHENTICATED,
           absl::StatusCode::kUnauthenticated,
           AllOf(HasSubstr(words), HasSubstr("key is not that of \"rehai\""),
                 HasSubstr("chef.client_key_file"))));
  }
}

TEST(ErrorsTest, AnUnknownClientIsNamed) {
  EXPECT_THAT(
      Of(Error(401,
               "Failed to authenticate as 'rehai'. Ensure that your "
               "node_name and client key are correct.")),
      Is(v1::WRITE_OUTCOME_UNAUTHENTICATED, absl::StatusCode::kUnauthenticated,
         HasSubstr("whether the server has a client \"rehai\"")));
}

TEST(ErrorsTest, ClocksThatDifferAreNamedWithTheDifference) {
  Response behind =
      Error(401,
            "Failed to authenticate as rehai. Synchronize the clock on your "
            "host.");
  behind.date = kNow - absl::Minutes(20) - absl::Seconds(3);
  EXPECT_THAT(
      Of(behind),
      Is(v1::WRITE_OUTCOME_UNAUTHENTICATED, absl::StatusCode::kUnauthenticated,
         AllOf(HasSubstr("20m3s ahead of the server's"), HasSubstr("NTP"))));
  // By the times alone, whatever the server says.
  Response ahead = Error(401, "Invalid signature");
  ahead.date = kNow + absl::Hours(2);
  EXPECT_THAT(Of(ahead), Is(v1::WRITE_OUTCOME_UNAUTHENTICATED,
                            absl::StatusCode::kUnauthenticated,
                            HasSubstr("2h behind the server's")));
  // A server whose answer has no date.
  behind.date = absl::InfinitePast();
  EXPECT_THAT(Of(behind), Is(v1::WRITE_OUTCOME_UNAUTHENTICATED,
                             absl::StatusCode::kUnauthenticated,
                             HasSubstr("clocks seem to differ")));
}

TEST(ErrorsTest, ForbiddenNamesThePermissionToGrant) {
  EXPECT_THAT(
      Of(Error(403, "missing update permission")),
      Is(v1::WRITE_OUTCOME_FORBIDDEN, absl::StatusCode::kPermissionDenied,
         AllOf(HasSubstr("client \"rehai\" may not update"),
               HasSubstr("grant it the update permission"))));
  EXPECT_THAT(
      Of(Error(403, "missing read permission"), "GET"),
      Is(v1::WRITE_OUTCOME_FORBIDDEN, absl::StatusCode::kPermissionDenied,
         HasSubstr("grant it the read permission")));
}

TEST(ErrorsTest, AUserOutsideTheOrganisationIsToldSo) {
  EXPECT_THAT(
      Of(Error(403, "'rehai' not associated with organization 'prod'")),
      Is(v1::WRITE_OUTCOME_UNAUTHENTICATED, absl::StatusCode::kPermissionDenied,
         HasSubstr("does not belong to the organisation")));
}

TEST(ErrorsTest, AnInvalidLicenseIsNotAQuestionOfPermissions) {
  EXPECT_THAT(
      Of(Json(403, R"({"error":"expired","message":"invalid-license"})")),
      Is(v1::WRITE_OUTCOME_UNAUTHENTICATED,
         absl::StatusCode::kFailedPrecondition, HasSubstr("license")));
}

TEST(ErrorsTest, AMissingNodeIsNotAMissingOrganisation) {
  EXPECT_THAT(Of(Error(404, "node 'hv1' not found")),
              Is(v1::WRITE_OUTCOME_NODE_MISSING, absl::StatusCode::kNotFound,
                 AllOf(HasSubstr("no such node"), HasSubstr("never creates"))));
  EXPECT_THAT(Of(Error(404, "organization 'prod' does not exist.")),
              Is(v1::WRITE_OUTCOME_UNAUTHENTICATED, absl::StatusCode::kNotFound,
                 AllOf(HasSubstr("no such organisation"),
                       HasSubstr("chef.server_url"))));
}

TEST(ErrorsTest, WhatChefDidNotWriteSaysNothingAboutTheNode) {
  Response empty = Json(200, "");
  empty.content_type = "";
  const std::vector<std::pair<Response, std::string>> answers = {
      {Html(200), "200 with text/html"},
      {Html(404), "404 with text/html"},
      {empty, "200 with an empty body"},
      {Json(200, "[]"), "200 with application/json"},
      {Json(404, R"({"message":"no route"})"), "404 with application/json"},
  };
  for (const auto& [answer, words] : answers) {
    EXPECT_THAT(Of(answer),
                Is(v1::WRITE_OUTCOME_RETRY, absl::StatusCode::kUnavailable,
                   AllOf(HasSubstr(words), HasSubstr("chef.server_url"),
                         HasSubstr("/organizations/"))));
  }
}

TEST(ErrorsTest, TooLargeIsNotTriedAgain) {
  EXPECT_THAT(
      Of(Json(413, R"({"error":"JSON must be no more than 1000000 bytes."})")),
      Is(v1::WRITE_OUTCOME_TOO_LARGE, absl::StatusCode::kResourceExhausted,
         HasSubstr("413: JSON must be no more than 1000000 bytes.")));
  Response text = Json(413, "Content-length too long!\n");
  text.content_type = "text/plain; charset=utf-8";
  EXPECT_THAT(Of(text), Is(v1::WRITE_OUTCOME_TOO_LARGE,
                           absl::StatusCode::kResourceExhausted,
                           HasSubstr("(413: Content-length too long!)")));
}

TEST(ErrorsTest, RefusalsThatTimeDoesNotHeal) {
  for (const int status : {405, 410, 412, 415}) {
    EXPECT_THAT(
        Of(Error(status, "no")),
        Is(v1::WRITE_OUTCOME_REJECTED, absl::StatusCode::kFailedPrecondition,
           HasSubstr(absl::StrCat("(", status, ": no)"))));
  }
}

TEST(ErrorsTest, RefusalsOfUsWhateverTheNodeStopEverything) {
  for (const int status : {301, 302, 307, 406}) {
    EXPECT_THAT(Of(Error(status, "no")),
                Is(v1::WRITE_OUTCOME_UNAUTHENTICATED,
                   absl::StatusCode::kFailedPrecondition,
                   HasSubstr(absl::StrCat("(", status, ": no)"))));
  }
}

TEST(ErrorsTest, AConditionThatWeDidNotSendIsBlamedOnWhatIsInBetween) {
  EXPECT_THAT(
      Of(Html(412)),
      Is(v1::WRITE_OUTCOME_REJECTED, absl::StatusCode::kFailedPrecondition,
         AllOf(HasSubstr("proxy"), HasSubstr("If-Match"))));
}

TEST(ErrorsTest, AFrontDoorWithoutChefBehindItIsToldFromAFailureOfChef) {
  for (const int status : {502, 504}) {
    EXPECT_THAT(
        Of(Html(status)),
        Is(v1::WRITE_OUTCOME_RETRY, absl::StatusCode::kUnavailable,
           AllOf(HasSubstr("front door"), HasSubstr("chef-server-ctl"))));
  }
  EXPECT_THAT(Of(Error(500, "internal service error")),
              Is(v1::WRITE_OUTCOME_RETRY, absl::StatusCode::kUnavailable,
                 AllOf(HasSubstr("internal service error"),
                       Not(HasSubstr("front door")))));
}

TEST(ErrorsTest, WhenToComeBackIsSaidAsTheServerSaidIt) {
  for (const int status : {429, 503}) {
    Response busy = Html(status);
    EXPECT_THAT(Of(busy),
                Is(v1::WRITE_OUTCOME_RETRY, absl::StatusCode::kUnavailable,
                   HasSubstr("tried again later")));
    busy.retry_after = absl::Seconds(90);
    EXPECT_THAT(Of(busy),
                Is(v1::WRITE_OUTCOME_RETRY, absl::StatusCode::kUnavailable,
                   HasSubstr("tried again in 1m30s")));
  }
}

TEST(ErrorsTest, RefusalsThatTimeHeals) {
  for (const int status : {408, 429, 500, 502, 503, 504}) {
    EXPECT_THAT(Of(Html(status)),
                Is(v1::WRITE_OUTCOME_RETRY, absl::StatusCode::kUnavailable,
                   HasSubstr(absl::StrCat("(", status, ": <html>"))));
  }
  EXPECT_THAT(Of(Error(409, "conflict")),
              Is(v1::WRITE_OUTCOME_RETRY, absl::StatusCode::kAborted,
                 HasSubstr("conflict")));
}

TEST(ErrorsTest, NoAnswerIsClassifiedByTheClientsCode) {
  const std::string url = "https://chef.example.com: why";
  const std::vector<std::pair<absl::Status, v1::WriteOutcome>> ends = {
      {absl::UnavailableError(url), v1::WRITE_OUTCOME_RETRY},
      {absl::DeadlineExceededError(url), v1::WRITE_OUTCOME_RETRY},
      {absl::CancelledError(url), v1::WRITE_OUTCOME_RETRY},
      {absl::UnauthenticatedError(url), v1::WRITE_OUTCOME_UNAUTHENTICATED},
      {absl::ResourceExhaustedError(url), v1::WRITE_OUTCOME_TOO_LARGE},
      {absl::InvalidArgumentError(url), v1::WRITE_OUTCOME_REJECTED},
  };
  for (const auto& [status, outcome] : ends) {
    EXPECT_THAT(Of(status), Is(outcome, status.code(), HasSubstr("why")));
  }
}

TEST(ErrorsTest, ExcerptsAreShortAndOneLine) {
  Response response = Html(500);
  response.body =
      absl::StrCat("line one\r\n\tline\x01 two ", std::string(5000, 'x'));
  const std::string message(Of(response).status.message());
  EXPECT_THAT(message, HasSubstr("line one line"));
  EXPECT_THAT(message, Not(HasSubstr("\n")));
  EXPECT_THAT(message, SizeIs(Lt(600u)));
}

TEST(ErrorsTest, ExcerptsDoNotCutACharacterInTwo) {
  for (int before = 195; before < 205; ++before) {
    Response response = Html(500);
    response.body.clear();
    for (int i = 0; i < before; ++i) response.body += 'x';
    for (int i = 0; i < 50; ++i) response.body += "\xE2\x82\xAC";
    const std::string message(Of(response).status.message());
    const size_t end = message.find("...)");
    ASSERT_NE(end, message.npos);
    // Whole characters only: the bytes after the x's come in threes.
    EXPECT_EQ((end - message.find_last_of('x', end) - 1) % 3, 0u) << before;
  }
}

TEST(ErrorsTest, APageInAnotherEncodingIsToldInUtf8) {
  Response response = Html(503);
  response.body = "Service indispon\xEDvel";
  EXPECT_THAT(std::string(Of(response).status.message()),
              HasSubstr("Service indispon\uFFFDvel"));
}

TEST(ErrorsTest, ErrorsOfOddShapesAreReadAsFarAsTheyGo) {
  for (const char* const body :
       {R"({"error":{"a":1}})", R"({"error":[1,null]})", R"({"error":[]})", "{",
        "", "null", "\xFF\xFE"}) {
    EXPECT_EQ(Of(Json(500, body)).outcome, v1::WRITE_OUTCOME_RETRY) << body;
  }
}

}  // namespace
}  // namespace rehai::chef
