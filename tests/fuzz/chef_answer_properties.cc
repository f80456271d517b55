// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/fake_clock.h"
#include "chef/client.h"
#include "chef/client_keys.h"
#include "chef/errors.h"
#include "chef/node_query.h"
#include "chef/node_search.h"
#include "tests/fuzz/property.h"

namespace rehai {
namespace {

// More than any of it needs of a server that says nothing new.
constexpr int kMostRequests = 50;

// Answers the same again and again, after what it has to say first.
class CannedClient final : public chef::Client {
 public:
  explicit CannedClient(std::vector<chef::Response> answers)
      : answers_(std::move(answers)) {}

  void Send(
      chef::Request request,
      absl::AnyInvocable<void(absl::StatusOr<chef::Response>)> done) override {
    if (requests_ >= kMostRequests) {
      too_many_ = true;
      return done(absl::UnavailableError("no more"));
    }
    const size_t next = requests_++;
    done(next < answers_.size() ? answers_[next] : answers_.back());
  }
  const std::string& server_url() const override { return url_; }
  const std::string& client_name() const override { return name_; }

  bool too_many() const { return too_many_; }

 private:
  const std::string url_ = "https://chef.example.com";
  const std::string name_ = "rehai";
  const std::vector<chef::Response> answers_;
  size_t requests_ = 0;
  bool too_many_ = false;
};

// "404 application/json", a line break, the body.
chef::Response ResponseOf(absl::string_view part) {
  absl::string_view head = TakePart(part, "\n");
  chef::Response response;
  if (!absl::SimpleAtoi(TakePart(head, " "), &response.status)) {
    response.status = 200;
  }
  response.content_type = std::string(head);
  response.body = std::string(part);
  return response;
}

// What `ask` is told, or nullopt if that is not exactly once. `broken`: it does
// not end.
template <typename Answer, typename Ask>
std::optional<absl::StatusOr<Answer>> Told(
    const std::vector<chef::Response>& answers, std::string& broken, Ask ask) {
  CannedClient client(answers);
  FakeClock clock;
  std::optional<absl::StatusOr<Answer>> told;
  int times = 0;
  ask(client, clock, [&](absl::StatusOr<Answer> answer) {
    ++times;
    told = std::move(answer);
  });
  if (times != 1) broken = absl::StrCat("told ", times, " times");
  if (client.too_many()) broken = "it is asked without end";
  if (broken.empty() && !told->ok()) broken = BrokenError(told->status());
  return told;
}

std::string BrokenFailure(const chef::Response& response) {
  const chef::Subject subject = {.node = "hv1",
                                 .server_url = "https://chef.example.com",
                                 .client_name = "rehai",
                                 .method = "PUT"};
  const auto failure =
      chef::FindFailure(response, subject, absl::FromUnixSeconds(0));
  if (!failure.has_value()) {
    return response.status / 100 == 2 ? "" : "an error that is an answer";
  }
  if (failure->outcome == v1::WRITE_OUTCOME_UNSPECIFIED) return "no outcome";
  return BrokenError(failure->status);
}

std::string BrokenQuery(const std::vector<chef::Response>& answers) {
  std::string broken;
  const auto told = Told<chef::NodeQuery::Answer>(
      answers, broken, [](auto& client, auto& clock, auto done) {
        chef::NodeQuery(client, clock)
            .Ask({.query = "fqdn:*", .attributes = {{"fqdn", {"fqdn"}}}},
                 std::move(done));
      });
  if (!broken.empty() || !told->ok()) return broken;
  std::set<std::string> nodes;
  for (const auto& row : (*told)->rows) {
    if (row.node.empty()) return "a row without a node";
    if (!CanBeSent(row.node)) return "a node whose name is not UTF-8";
    if (!nodes.insert(row.node).second) return "a node twice";
    for (const auto& [name, value] : row.values) {
      if (!CanBeSent(value.text)) return "a value that is not UTF-8";
      if (!value.is_string && value.text.empty()) return "an empty value";
    }
  }
  return "";
}

std::string BrokenSearch(const std::vector<chef::Response>& answers) {
  std::string broken;
  const auto told = Told<chef::NodeSearch::Answer>(
      answers, broken, [](auto& client, auto& clock, auto done) {
        chef::NodeSearch({"rehai"}, client, clock).Find(10, std::move(done));
      });
  if (!broken.empty() || !told->ok()) return broken;
  for (const auto& found : (*told)->nodes) {
    // It compares with itself, whatever it says.
    if (chef::CompareOhaiTimes(found.marks.ohai_time, found.marks.ohai_time) !=
        0) {
      return "a time that is not itself";
    }
  }
  return "";
}

std::string BrokenKeys(const std::vector<chef::Response>& answers) {
  std::string broken;
  const auto told = Told<chef::ClientKeys::Keys>(
      answers, broken, [](auto& client, auto& clock, auto done) {
        chef::ClientKeys(client, clock).Fetch("hv1", std::move(done));
      });
  if (!broken.empty() || !told->ok()) return broken;
  if ((*told)->empty() || (*told)->size() > chef::ClientKeys::kMostKeys) {
    return "no keys, or too many";
  }
  for (const std::string& key : **told) {
    if (key.empty()) return "an empty key";
  }
  return "";
}

}  // namespace

// The input is what a Chef server answers: each a line with status and content
// type, and a body; between two a line "%next". The last one is also the answer
// to all that is asked then.
//   - A failure has an outcome, and words.
//   - A search's answer, the search for stamps and a client's keys end, and are
//     told once; nodes have names, each once; text is UTF-8.
std::string BrokenProperty(absl::string_view input) {
  std::vector<chef::Response> answers;
  absl::string_view rest = input;
  do {
    answers.push_back(ResponseOf(TakePart(rest, "\n%next\n")));
  } while (!rest.empty() && answers.size() < 10);
  for (const chef::Response& response : answers) {
    if (std::string broken = BrokenFailure(response); !broken.empty()) {
      return broken;
    }
  }
  for (const auto broken : {&BrokenQuery, &BrokenSearch, &BrokenKeys}) {
    if (std::string what = broken(answers); !what.empty()) return what;
  }
  return "";
}

}  // namespace rehai
