// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/errors.h"

#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/utf8.h"

namespace rehai::chef {
namespace {

constexpr size_t kMaxExcerpt = 200;
// Of a body, before its white space is taken out.
constexpr size_t kMostRead = 10'000;

// Chef's servers refuse requests whose time differs from theirs by as much.
constexpr absl::Duration kAllowedSkew = absl::Minutes(15);

// One line of printable text, not too long.
std::string Excerpt(absl::string_view text) {
  std::string line;
  // A proxy's page may be in any encoding.
  for (const char c :
       ToUtf8(absl::StripAsciiWhitespace(text).substr(0, kMostRead))) {
    const bool space = absl::ascii_isspace(static_cast<unsigned char>(c)) ||
                       absl::ascii_iscntrl(static_cast<unsigned char>(c));
    if (space && (line.empty() || line.back() == ' ')) continue;
    line += space ? ' ' : c;
    if (line.size() > kMaxExcerpt) {
      line.resize(kMaxExcerpt);
      // Not in the middle of a character.
      while (!line.empty() && (line.back() & 0xC0) == 0x80) line.pop_back();
      if (!line.empty() && (line.back() & 0x80) != 0) line.pop_back();
      return line + "...";
    }
  }
  return line;
}

nlohmann::json ParseObject(const std::string& body) {
  nlohmann::json parsed =
      nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  return parsed.is_object() ? parsed : nlohmann::json();
}

bool IsJson(const Response& response) {
  return absl::StrContains(response.content_type, "json");
}

// True if the body is what Chef's own errors look like.
bool IsChefError(const Response& response) {
  return ParseObject(response.body).contains("error");
}

// The server's own words: {"error": "..."} or {"error": ["...", ...]}, or what
// can be read of another body.
std::string Words(const Response& response) {
  const nlohmann::json body = ParseObject(response.body);
  const auto error = body.find("error");
  if (error == body.end()) return Excerpt(response.body);
  std::string words;
  for (const nlohmann::json& part :
       error->is_array() ? *error : nlohmann::json::array({*error})) {
    if (!part.is_string()) continue;
    absl::StrAppend(&words, words.empty() ? "" : "; ",
                    part.get_ref<const std::string&>());
  }
  return Excerpt(words);
}

// " (401: Invalid signature ...)"
std::string Said(const Response& response) {
  const std::string words = Words(response);
  return absl::StrCat(" (", response.status, words.empty() ? "" : ": ", words,
                      ")");
}

Failure Make(v1::WriteOutcome outcome, absl::StatusCode code,
             const Subject& subject, absl::string_view what) {
  return {outcome,
          absl::Status(code, absl::StrCat(subject.ToString(), ": ", what))};
}

// How far the clocks differ, in words; empty if they agree well enough.
std::string ClockDifference(absl::Time server, absl::Time now) {
  if (server == absl::InfinitePast()) return "";
  const absl::Duration ahead = now - server;
  if (absl::AbsDuration(ahead) < absl::Minutes(1)) return "";
  return absl::StrCat("this machine's clock is ",
                      absl::FormatDuration(absl::Trunc(absl::AbsDuration(ahead),
                                                       absl::Seconds(1))),
                      ahead > absl::ZeroDuration() ? " ahead of" : " behind",
                      " the server's");
}

Failure Unauthenticated(const Response& response, const Subject& subject,
                        absl::Time now) {
  const std::string difference = ClockDifference(response.date, now);
  const std::string words = absl::AsciiStrToLower(Words(response));
  const bool skewed = response.date != absl::InfinitePast() &&
                      absl::AbsDuration(now - response.date) >= kAllowedSkew;
  std::string remedy;
  if (skewed || absl::StrContains(words, "clock")) {
    remedy = absl::StrCat(
        difference.empty() ? "the clocks seem to differ" : difference,
        ", and 15 minutes are allowed; ",
        difference.empty() ? "set both by NTP"
                           : "set the wrong one by NTP (timedatectl says "
                             "whether this machine's is synchronised)");
  } else if (absl::StrContains(words, "signature") ||
             absl::StrContains(words, "verification")) {
    remedy = absl::StrCat("the key is not that of \"", subject.client_name,
                          "\"; set chef.client_key_file to the key that the "
                          "server has for this name");
  } else {
    remedy = absl::StrCat("see whether the server has a client \"",
                          subject.client_name,
                          "\" and chef.client_key_file holds its key");
  }
  return Make(v1::WRITE_OUTCOME_UNAUTHENTICATED,
              absl::StatusCode::kUnauthenticated, subject,
              absl::StrCat("the server does not accept who we are",
                           Said(response), "; ", remedy));
}

Failure Forbidden(const Response& response, const Subject& subject) {
  const nlohmann::json body = ParseObject(response.body);
  const auto message = body.find("message");
  if (message != body.end() && *message == "invalid-license") {
    return Make(v1::WRITE_OUTCOME_UNAUTHENTICATED,
                absl::StatusCode::kFailedPrecondition, subject,
                absl::StrCat("the Chef server's license does not allow it",
                             Said(response), "; renew the license there"));
  }
  if (absl::StrContains(Words(response), "not associated")) {
    return Make(
        v1::WRITE_OUTCOME_UNAUTHENTICATED, absl::StatusCode::kPermissionDenied,
        subject,
        absl::StrCat("user \"", subject.client_name,
                     "\" does not belong to the organisation", Said(response),
                     "; add it there, or use a client of the "
                     "organisation"));
  }
  const absl::string_view permission =
      subject.method == "GET" ? "read" : "update";
  return Make(v1::WRITE_OUTCOME_FORBIDDEN, absl::StatusCode::kPermissionDenied,
              subject,
              absl::StrCat("client \"", subject.client_name, "\" may not ",
                           permission, " it", Said(response), "; grant it the ",
                           permission, " permission on the ",
                           subject.kind == "node" ? "node" : "data bag",
                           " (knife acl add), or make it an "
                           "admin where the server knows no permissions"));
}

// A 2xx or 404 that Chef did not write.
Failure NotChef(const Response& response, const Subject& subject) {
  const std::string excerpt = Excerpt(response.body);
  return Make(
      v1::WRITE_OUTCOME_RETRY, absl::StatusCode::kUnavailable, subject,
      absl::StrCat(
          "the answer is not Chef's: ", response.status, " with ",
          response.body.empty()           ? "an empty body"
          : response.content_type.empty() ? "no content type"
                                          : Excerpt(response.content_type),
          excerpt.empty() ? "" : absl::StrCat(" (", excerpt, ")"),
          "; see whether chef.server_url is right, with /organizations/NAME "
          "where the server has organisations and without where it has none, "
          "and whether a proxy in between takes X-Chef-Version away"));
}

Failure NotFound(const Response& response, const Subject& subject) {
  if (!IsChefError(response)) return NotChef(response, subject);
  const std::string words = absl::AsciiStrToLower(Words(response));
  if (absl::StrContains(words, "organization")) {
    return Make(v1::WRITE_OUTCOME_UNAUTHENTICATED, absl::StatusCode::kNotFound,
                subject,
                absl::StrCat("the server has no such organisation",
                             Said(response), "; correct chef.server_url"));
  }
  return Make(
      v1::WRITE_OUTCOME_NODE_MISSING, absl::StatusCode::kNotFound, subject,
      absl::StrCat("there is no such node", Said(response),
                   "; it appears with chef-client's first run on that host, "
                   "and Rehai never creates it"));
}

Failure FromStatus(const absl::Status& status, const Subject& subject) {
  v1::WriteOutcome outcome = v1::WRITE_OUTCOME_RETRY;
  switch (status.code()) {
    case absl::StatusCode::kUnauthenticated:
      outcome = v1::WRITE_OUTCOME_UNAUTHENTICATED;
      break;
    case absl::StatusCode::kResourceExhausted:
      outcome = v1::WRITE_OUTCOME_TOO_LARGE;
      break;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kInternal:
      outcome = v1::WRITE_OUTCOME_REJECTED;
      break;
    default:
      break;
  }
  // The client's message names the server already.
  return {
      outcome,
      absl::Status(status.code(),
                   absl::StrCat(subject.kind, subject.node.empty() ? "" : " ",
                                subject.node, ": ", status.message()))};
}

// "later", or when the server wants it.
std::string WhenAgain(const Response& response) {
  if (response.retry_after <= absl::ZeroDuration()) return "later";
  return absl::StrCat("in ", absl::FormatDuration(response.retry_after),
                      ", as the server asks");
}

Failure FromHttpStatus(const Response& response, const Subject& subject,
                       absl::Time now) {
  const std::string said = Said(response);
  const auto rejected = [&](absl::StatusCode code, absl::string_view what,
                            absl::string_view remedy) {
    return Make(v1::WRITE_OUTCOME_REJECTED, code, subject,
                absl::StrCat(what, said, "; ", remedy));
  };
  const auto retry = [&](absl::StatusCode code, absl::string_view what,
                         absl::string_view remedy) {
    return Make(v1::WRITE_OUTCOME_RETRY, code, subject,
                absl::StrCat(what, said, "; ", remedy));
  };
  const auto refused = [&](absl::string_view what, absl::string_view remedy) {
    return Make(v1::WRITE_OUTCOME_UNAUTHENTICATED,
                absl::StatusCode::kFailedPrecondition, subject,
                absl::StrCat(what, said, "; ", remedy));
  };
  const std::string when = WhenAgain(response);
  switch (response.status) {
    case 400:
      return rejected(absl::StatusCode::kInvalidArgument,
                      "the server does not accept the request",
                      "see its words, and whether a proxy in between takes "
                      "X-Ops headers away");
    case 401:
      return Unauthenticated(response, subject, now);
    case 403:
      return Forbidden(response, subject);
    case 404:
      return NotFound(response, subject);
    case 406:
      return refused("the server does not speak server API version 1",
                     "Rehai needs a Chef server of version 12 or later");
    case 408:
    case 429:
      return retry(absl::StatusCode::kUnavailable,
                   "the server is asked too much",
                   absl::StrCat("it is tried again ", when,
                                "; lower sync.requests_per_second if this "
                                "stays"));
    case 412:
      return rejected(absl::StatusCode::kFailedPrecondition,
                      "the server saw a condition that Rehai does not send",
                      "see which proxy in between adds If-Match or the like");
    case 502:
    case 504:
      return retry(absl::StatusCode::kUnavailable,
                   "the server's front door is up, and Chef behind it is down "
                   "or slow",
                   absl::StrCat("it is tried again ", when,
                                "; see chef-server-ctl status there"));
    case 409:
      return retry(absl::StatusCode::kAborted,
                   "somebody else changes the node just now",
                   "it is read and tried again");
    case 413:
      return Make(v1::WRITE_OUTCOME_TOO_LARGE,
                  absl::StatusCode::kResourceExhausted, subject,
                  absl::StrCat("the node is too large for the server", said,
                               "; make the node smaller, or raise the server's "
                               "limit"));
    case 415:
      return rejected(absl::StatusCode::kFailedPrecondition,
                      "the server does not accept JSON here",
                      "see whether chef.server_url is a Chef server's");
    default:
      break;
  }
  if (response.status >= 500) {
    return retry(absl::StatusCode::kUnavailable, "the server failed",
                 absl::StrCat("it is tried again ", when,
                              "; the server's own log says why"));
  }
  if (response.status >= 300 && response.status < 400) {
    return refused("the server sends us elsewhere",
                   "set chef.server_url to the address that answers itself, "
                   "https and not http");
  }
  return rejected(absl::StatusCode::kFailedPrecondition,
                  "the server refuses the request",
                  "see its words and its log");
}

}  // namespace

std::string Subject::ToString() const {
  return absl::StrCat(kind, node.empty() ? "" : " ", node, " at ", server_url);
}

std::optional<Failure> FindFailure(const absl::StatusOr<Response>& answer,
                                   const Subject& subject, absl::Time now) {
  if (!answer.ok()) return FromStatus(answer.status(), subject);
  if (answer->status < 200 || answer->status >= 300) {
    return FromHttpStatus(*answer, subject, now);
  }
  const absl::string_view body = absl::StripAsciiWhitespace(answer->body);
  if (!IsJson(*answer) || !absl::StartsWith(body, "{")) {
    return NotChef(*answer, subject);
  }
  return std::nullopt;
}

Failure NodeTooLarge(const Subject& subject, size_t size, int64_t limit,
                     absl::string_view biggest) {
  return Make(v1::WRITE_OUTCOME_TOO_LARGE, absl::StatusCode::kResourceExhausted,
              subject,
              absl::StrCat("it would be ", size, " bytes, and ", limit,
                           " are allowed", biggest.empty() ? "" : " (", biggest,
                           biggest.empty() ? "" : ")",
                           "; make the node smaller, or raise "
                           "chef.max_node_bytes if the server takes more"));
}

Failure NotTheNode(const Subject& subject, absl::string_view why) {
  return Make(v1::WRITE_OUTCOME_RETRY, absl::StatusCode::kUnavailable, subject,
              absl::StrCat("the answer to ", subject.method,
                           " is not the node (", Excerpt(why),
                           "); see whether chef.server_url is a Chef "
                           "server's"));
}

Failure InTheWay(const Subject& subject, const absl::Status& splice) {
  return Make(v1::WRITE_OUTCOME_REJECTED, absl::StatusCode::kFailedPrecondition,
              subject,
              absl::StrCat("something else is where our attributes go (",
                           Excerpt(splice.message()),
                           "); remove it from the node, or switch that "
                           "rendering off"));
}

Failure NotConfirmed(const Subject& subject) {
  return Make(v1::WRITE_OUTCOME_RETRY, absl::StatusCode::kAborted, subject,
              "the server took the node and then showed it without our "
              "attributes; it is read and tried again; if this stays, see what "
              "else writes this node");
}

Failure WouldLoseAttributes(const Subject& subject) {
  return Make(v1::WRITE_OUTCOME_REJECTED, absl::StatusCode::kInternal, subject,
              "what would have been sent lacks attributes of others or ours, "
              "and was not sent; this is a mistake in Rehai, please report it");
}

}  // namespace rehai::chef
