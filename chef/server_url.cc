// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/server_url.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/ip_address.h"
#include "chef/request_signer.h"

namespace rehai::chef {
namespace {

constexpr size_t kLongestQuote = 300;

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using UrlPtr = std::unique_ptr<CURLU, UrlDeleter>;

// Empty if the URL has no such part.
std::string Part(const UrlPtr& url, CURLUPart which) {
  char* text = nullptr;
  if (curl_url_get(url.get(), which, &text, 0) != CURLUE_OK) return "";
  std::string part(text);
  curl_free(text);
  return part;
}

bool IsLoopback(absl::string_view host) {
  // A name may begin with "127." too.
  const std::optional<IpAddress> address = ParseIpAddress(host);
  return host == "localhost" || host == "[::1]" ||
         (address.has_value() && !address->is_v6 && address->bytes[0] == 127);
}

// A name or an address as it is written, without anything to be decoded: what
// curl took out of "%25" would be decoded once more on the way back.
bool IsPlainHost(absl::string_view host) {
  absl::string_view also = ".-_";
  if (absl::ConsumePrefix(&host, "[") && absl::ConsumeSuffix(&host, "]")) {
    also = ".:";
  }
  return !host.empty() &&
         std::all_of(host.begin(), host.end(), [also](unsigned char c) {
           return absl::ascii_isalnum(c) ||
                  absl::StrContains(also, static_cast<char>(c));
         });
}

// What messages may repeat: a password is not for people who read logs.
std::string WithoutUser(absl::string_view text) {
  const size_t at = text.rfind('@');
  if (at == absl::string_view::npos) return std::string(text);
  const bool is_https = absl::StartsWith(text, "https://");
  return absl::StrCat(is_https ? "https://" : "", "...", text.substr(at));
}

absl::Status Refused(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(
      "Chef server URL \"",
      absl::CHexEscape(WithoutUser(text).substr(0, kLongestQuote)), "\": ", why,
      "; write https://SERVER or "
      "https://SERVER/organizations/ORGANISATION"));
}

}  // namespace

absl::StatusOr<ServerUrl> ParseServerUrl(absl::string_view text) {
  // curl would read on to the zero byte only.
  if (absl::StrContains(text, '\0')) return Refused(text, "is not a URL");
  const UrlPtr url(curl_url());
  if (curl_url_set(url.get(), CURLUPART_URL, std::string(text).c_str(), 0) !=
      CURLUE_OK) {
    return Refused(text, "is not a URL");
  }
  const std::string scheme = Part(url, CURLUPART_SCHEME);
  const std::string host = Part(url, CURLUPART_HOST);
  const std::string port = Part(url, CURLUPART_PORT);
  // What the message must not repeat.
  if (!Part(url, CURLUPART_USER).empty() ||
      !Part(url, CURLUPART_PASSWORD).empty()) {
    return Refused(host, "has a user name or password in it");
  }
  if (scheme != "https" && !(scheme == "http" && IsLoopback(host))) {
    return Refused(text, scheme == "http"
                             ? "is plain http to another machine, which anyone "
                               "between could read and change"
                             : "is not https");
  }
  if (!IsPlainHost(host)) {
    return Refused(text,
                   "has a host with characters that names and addresses do not "
                   "have (other alphabets are written as xn--...)");
  }
  if (!Part(url, CURLUPART_ZONEID).empty()) {
    return Refused(text, "has an address with a zone");
  }
  if (!Part(url, CURLUPART_QUERY).empty() ||
      !Part(url, CURLUPART_FRAGMENT).empty()) {
    return Refused(text, "has a query or a fragment");
  }
  std::string path = CanonicalPath(Part(url, CURLUPART_PATH));
  if (path == "/") path.clear();
  if (!path.empty() && !IsPlainPath(path)) {
    return Refused(text, "has a path with characters that Chef does not use");
  }
  return ServerUrl{
      absl::StrCat(scheme, "://", host, port.empty() ? "" : ":", port), path};
}

bool IsPlainPath(absl::string_view path) {
  if (path.empty() || path[0] != '/') return false;
  for (const absl::string_view segment : absl::StrSplit(path, '/')) {
    if (segment == "." || segment == "..") return false;
    if (!std::all_of(segment.begin(), segment.end(), [](unsigned char c) {
          return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == ':' ||
                 c == '-' || c == '~';
        })) {
      return false;
    }
  }
  return true;
}

}  // namespace rehai::chef
