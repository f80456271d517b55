// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/node_query.h"

#include <simdjson.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "chef/canonical_json.h"
#include "chef/errors.h"

namespace rehai::chef {
namespace {

namespace ondemand = simdjson::ondemand;

// One question under way. Owned by the callback that carries it on.
struct Inquiry {
  Client& client;
  const Clock& clock;
  const NodeQuery::Question question;
  absl::AnyInvocable<void(absl::StatusOr<NodeQuery::Answer>)> done;
  // Filled in page by page.
  int64_t start = 0;
  NodeQuery::Answer answer = {};
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

std::string UrlQuery(const Inquiry& inquiry) {
  return absl::StrCat("q=", PercentEncoded(inquiry.question.query),
                      "&start=", inquiry.start, "&rows=", NodeQuery::kPageRows);
}

// What is to be told of each node.
std::string WantedPaths(const NodeQuery::Question& question) {
  nlohmann::json wanted = nlohmann::json::object();
  for (const auto& [name, path] : question.attributes) wanted[name] = path;
  wanted["name"] = {"name"};
  return CanonicalJson(wanted);
}

// How many rows a page had, and how many the server says there are in all.
struct PageSize {
  int64_t rows = 0;
  int64_t total = 0;
};

// False: not JSON. `out` stays empty for a null.
bool ReadValue(ondemand::value json, std::optional<NodeQuery::Value>& out) {
  ondemand::json_type type;
  if (json.type().get(type)) return false;
  std::string_view text;
  switch (type) {
    case ondemand::json_type::null:
      return true;
    case ondemand::json_type::string:
      if (json.get_string().get(text)) return false;
      out = {std::string(text), /*is_string=*/true};
      return true;
    case ondemand::json_type::object: {
      ondemand::object object;
      if (json.get_object().get(object) || object.raw_json().get(text)) {
        return false;
      }
      break;
    }
    case ondemand::json_type::array: {
      ondemand::array array;
      if (json.get_array().get(array) || array.raw_json().get(text)) {
        return false;
      }
      break;
    }
    default:
      text = json.raw_json_token();
  }
  // A token comes with the space behind it.
  out = {std::string(absl::StripAsciiWhitespace(
             absl::string_view(text.data(), text.size()))),
         /*is_string=*/false};
  return true;
}

// nullopt: not a row of a search.
std::optional<NodeQuery::Row> ReadRow(ondemand::object data) {
  NodeQuery::Row row;
  for (auto member : data) {
    std::string_view key;
    ondemand::value json;
    if (member.unescaped_key().get(key)) return std::nullopt;
    const std::string name(key);
    std::optional<NodeQuery::Value> value;
    if (member.value().get(json) || !ReadValue(json, value)) {
      return std::nullopt;
    }
    if (!value.has_value()) continue;
    if (name == "name" && value->is_string) row.node = value->text;
    row.values.insert_or_assign(name, *std::move(value));
  }
  if (row.node.empty()) return std::nullopt;
  return row;
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
  for (auto element : rows) {
    ondemand::object data;
    if (element["data"].get_object().get(data)) return std::nullopt;
    std::optional<NodeQuery::Row> row = ReadRow(data);
    if (!row.has_value()) return std::nullopt;
    ++size.rows;
    if (inquiry.seen.insert(row->node).second) {
      inquiry.answer.rows.push_back(*std::move(row));
    } else {
      inquiry.answer.pages_overlap = true;
    }
  }
  return size;
}

// True if there is another page to be asked for. `total` counts everything on
// Chef Infra Server and the page alone on goiardi: there, only a full page
// tells that there may be more.
bool IsMore(const Inquiry& inquiry, const PageSize& page) {
  const int64_t next = inquiry.start + NodeQuery::kPageRows;
  return next < inquiry.question.enough_rows &&
         (page.rows >= NodeQuery::kPageRows || page.total > next);
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
  const size_t known = inquiry->answer.rows.size();
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
  if (inquiry->answer.rows.size() == known) {
    // A server that goes on like this is asked without end.
    return inquiry->done(absl::DataLossError(absl::StrCat(
        subject.ToString(), ": says that more than ", inquiry->start,
        " nodes match, and shows no other one from there on; see whether the "
        "server's search index is up to date")));
  }
  inquiry->start += NodeQuery::kPageRows;
  AskForPage(std::move(inquiry));
}

void AskForPage(InquiryPtr inquiry) {
  Client& client = inquiry->client;
  Request request = {.method = "POST",
                     .path = "/search/node",
                     .query = UrlQuery(*inquiry),
                     .body = WantedPaths(inquiry->question)};
  client.Send(std::move(request),
              [inquiry = std::move(inquiry)](
                  const absl::StatusOr<Response>& response) mutable {
                FinishPage(std::move(inquiry), response);
              });
}

}  // namespace

NodeQuery::NodeQuery(Client& client, const Clock& clock)
    : client_(client), clock_(clock) {}

void NodeQuery::Ask(Question question,
                    absl::AnyInvocable<void(absl::StatusOr<Answer>)> done) {
  AskForPage(InquiryPtr(
      new Inquiry{client_, clock_, std::move(question), std::move(done)}));
}

}  // namespace rehai::chef
