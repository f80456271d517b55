// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/knife.h"

#include <curl/curl.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/status_macros.h"

namespace rehai::lab {
namespace {

size_t Append(char* data, size_t size, size_t count, void* body) {
  static_cast<std::string*>(body)->append(data, size * count);
  return size * count;
}

// The path part of a URL: what stands before each path that is signed.
std::string PathOf(const std::string& url) {
  const size_t host = url.find("://");
  const size_t path =
      host == std::string::npos ? std::string::npos : url.find('/', host + 3);
  return path == std::string::npos ? "" : url.substr(path);
}

using HeaderList = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

HeaderList Headers(
    const std::vector<std::pair<std::string, std::string>>& headers) {
  curl_slist* list = nullptr;
  for (const auto& [name, value] : headers) {
    list = curl_slist_append(list, absl::StrCat(name, ": ", value).c_str());
  }
  for (const char* more : {"Accept: application/json",
                           "Content-Type: application/json", "Expect:"}) {
    list = curl_slist_append(list, more);
  }
  return HeaderList(list, curl_slist_free_all);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Knife>> Knife::Create(Options options) {
  ASSIGN_OR_RETURN(const std::string key, ReadFile(options.client_key_file));
  ASSIGN_OR_RETURN(
      chef::RequestSigner signer,
      chef::RequestSigner::Create(options.client_name,
                                  absl::string_view(key.data(), key.size()),
                                  chef::SignVersion::k1_3));
  return std::unique_ptr<Knife>(
      new Knife(std::move(options), std::move(signer), curl_easy_init()));
}

Knife::Knife(Options options, chef::RequestSigner signer, void* curl)
    : options_(std::move(options)), signer_(std::move(signer)), curl_(curl) {}

Knife::~Knife() { curl_easy_cleanup(curl_); }

absl::StatusOr<Knife::Answer> Knife::Send(const std::string& method,
                                          const std::string& path,
                                          absl::string_view body,
                                          const std::string& query) {
  ASSIGN_OR_RETURN(
      const auto signature,
      signer_.Sign(method, absl::StrCat(PathOf(options_.server_url), path),
                   body, Clock::Real().Now()));
  const HeaderList headers = Headers(signature);
  const std::string url =
      absl::StrCat(options_.server_url, path, query.empty() ? "" : "?", query);
  Answer answer;
  // Options are forgotten, connections are kept.
  curl_easy_reset(curl_);
  curl_easy_setopt(curl_, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl_, CURLOPT_CUSTOMREQUEST, method.c_str());
  curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl_, CURLOPT_CAINFO, options_.ca_file.c_str());
  curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl_, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl_, CURLOPT_TIMEOUT, 10L);
  curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, Append);
  curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &answer.body);
  if (!body.empty()) {
    curl_easy_setopt(curl_, CURLOPT_POSTFIELDS, body.data());
    curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(body.size()));
  }
  const CURLcode code = curl_easy_perform(curl_);
  if (code != CURLE_OK) {
    return absl::UnavailableError(absl::StrCat(
        options_.server_url, ": no answer: ", curl_easy_strerror(code)));
  }
  long http_status = 0;
  curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &http_status);
  answer.http_status = static_cast<int>(http_status);
  return answer;
}

}  // namespace rehai::lab
