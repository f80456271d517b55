// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/node_search.h"

#include <simdjson.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "chef/canonical_json.h"
#include "chef/errors.h"

namespace rehai::chef {
namespace {

namespace ondemand = simdjson::ondemand;

// One search under way. Owned by the callback that carries it on.
struct Inquiry {
  Client& client;
  const Clock& clock;
  const NodePath stamp_path;
  const int expected;
  absl::AnyInvocable<void(absl::StatusOr<NodeSearch::Answer>)> done;
  // Filled in page by page. Pages may overlap where the server does not sort.
  int start = 0;
  NodeSearch::Answer answer = {};
  absl::flat_hash_set<std::string> seen = {};
};
using InquiryPtr = std::unique_ptr<Inquiry>;

std::string PercentEncoded(absl::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' ||
        c == '-' || c == '.') {
      encoded += c;
    } else {
      absl::StrAppend(
          &encoded, "%",
          absl::Hex(static_cast<unsigned char>(c), absl::PadSpec::kZeroPad2));
    }
  }
  return encoded;
}

// "rehai_schema:1": Chef indexes a value under its whole path.
std::string Query(const Inquiry& inquiry) {
  const std::string question =
      absl::StrCat(absl::StrJoin(inquiry.stamp_path, "_"), "_schema:1");
  return absl::StrCat("q=", PercentEncoded(question), "&start=", inquiry.start,
                      "&rows=", NodeSearch::kPageRows);
}

// What is to be told of each node: the members that ReadRow() reads.
std::string WantedPaths(const NodePath& stamp_path) {
  const auto below_stamp = [&stamp_path](const char* key) {
    NodePath path = stamp_path;
    path.emplace_back(key);
    return path;
  };
  return CanonicalJson({{"name", {"name"}},
                        {"ohai_time", {"ohai_time"}},
                        {"digest", below_stamp("digest")},
                        {"revision", below_stamp("revision")}});
}

// How many rows a page had, and how many the server says there are in all.
struct PageSize {
  int64_t rows = 0;
  int64_t total = 0;
};

// nullopt: not a row of a search. Values that are not there are null.
std::optional<NodeSearch::Found> ReadRow(ondemand::object data) {
  NodeSearch::Found found;
  std::string_view text;
  if (data["name"].get_string().get(text)) return std::nullopt;
  found.node = std::string(text);
  ondemand::value value;
  if (!data["ohai_time"].get(value)) {
    // As it is spelled: a double has not all its digits.
    text = value.raw_json_token();
    const absl::string_view number =
        absl::StripAsciiWhitespace(absl::string_view(text.data(), text.size()));
    if (!number.empty() && absl::ascii_isdigit(number.front())) {
      found.marks.ohai_time = std::string(number);
    }
  }
  if (!data["digest"].get_string().get(text)) {
    found.marks.digest = std::string(text);
  }
  if (data["revision"].get_int64().get(found.marks.revision)) {
    found.marks.revision = 0;
  }
  return found;
}

// Adds a page's nodes to the answer. nullopt: it is none of a search.
std::optional<PageSize> ReadPage(const std::string& body, Inquiry& inquiry) {
  const simdjson::padded_string padded(body);
  ondemand::parser parser;
  ondemand::document document;
  PageSize size;
  ondemand::array rows;
  if (parser.iterate(padded).get(document) ||
      document["total"].get_int64().get(size.total) ||
      document["rows"].get_array().get(rows)) {
    return std::nullopt;
  }
  for (auto row : rows) {
    ondemand::object data;
    if (row["data"].get_object().get(data)) return std::nullopt;
    std::optional<NodeSearch::Found> found = ReadRow(data);
    if (!found.has_value()) return std::nullopt;
    ++size.rows;
    if (inquiry.seen.insert(found->node).second) {
      inquiry.answer.nodes.push_back(*std::move(found));
    }
  }
  return size;
}

// True if there is another page to be asked for. `total` counts everything on
// Chef Infra Server and the page alone on goiardi: there, only a full page
// tells that there may be more.
bool IsMore(const Inquiry& inquiry, const PageSize& page) {
  const int64_t next = inquiry.start + NodeSearch::kPageRows;
  return next < inquiry.expected &&
         (page.rows >= NodeSearch::kPageRows || page.total > next);
}

void AskForPage(InquiryPtr inquiry);

void FinishPage(InquiryPtr inquiry, const absl::StatusOr<Response>& response) {
  const Subject subject = {.node = "",
                           .server_url = inquiry->client.server_url(),
                           .client_name = inquiry->client.client_name(),
                           .method = "POST",
                           .kind = "search"};
  if (auto failure = FindFailure(response, subject, inquiry->clock.Now())) {
    return inquiry->done(std::move(failure->status));
  }
  ++inquiry->answer.searches;
  inquiry->answer.bytes += static_cast<int64_t>(response->body.size());
  const std::optional<PageSize> page = ReadPage(response->body, *inquiry);
  if (!page.has_value()) {
    return inquiry->done(absl::DataLossError(
        absl::StrCat(subject.ToString(),
                     ": the answer is none of a search; see whether "
                     "the server's search is on")));
  }
  if (!IsMore(*inquiry, *page)) {
    return inquiry->done(std::move(inquiry->answer));
  }
  inquiry->start += NodeSearch::kPageRows;
  AskForPage(std::move(inquiry));
}

void AskForPage(InquiryPtr inquiry) {
  Client& client = inquiry->client;
  Request request = {.method = "POST",
                     .path = "/search/node",
                     .query = Query(*inquiry),
                     .body = WantedPaths(inquiry->stamp_path)};
  client.Send(std::move(request),
              [inquiry = std::move(inquiry)](
                  const absl::StatusOr<Response>& response) mutable {
                FinishPage(std::move(inquiry), response);
              });
}

}  // namespace

NodeSearch::NodeSearch(NodePath stamp_path, Client& client, const Clock& clock)
    : stamp_path_(std::move(stamp_path)), client_(client), clock_(clock) {}

void NodeSearch::Find(int expected,
                      absl::AnyInvocable<void(absl::StatusOr<Answer>)> done) {
  AskForPage(InquiryPtr(
      new Inquiry{client_, clock_, stamp_path_, expected, std::move(done)}));
}

}  // namespace rehai::chef
