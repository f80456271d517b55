// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/page_token.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

namespace rehai {
namespace {

constexpr int kDefaultPageSize = 100;
constexpr int kMaxPageSize = 1000;

// FNV-1a: the same in every process, unlike absl::Hash.
std::string Print(const google::protobuf::Message& filter) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream sink(&bytes);
    google::protobuf::io::CodedOutputStream out(&sink);
    // Maps have no order of their own.
    out.SetSerializationDeterministic(true);
    filter.SerializeToCodedStream(&out);
  }
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : bytes) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return absl::StrFormat("%016x", hash);
}

}  // namespace

std::string MakePageToken(const std::string& last_key,
                          const google::protobuf::Message& filter) {
  return absl::WebSafeBase64Escape(absl::StrCat(Print(filter), last_key));
}

absl::StatusOr<std::string> ReadPageToken(
    const std::string& token, const google::protobuf::Message& filter) {
  if (token.empty()) return "";
  const std::string print = Print(filter);
  std::string bytes;
  if (!absl::WebSafeBase64Unescape(token, &bytes) ||
      bytes.size() < print.size()) {
    return absl::InvalidArgumentError(
        "page_token: damaged; pass next_page_token unchanged, or leave it "
        "empty for the first page");
  }
  if (bytes.compare(0, print.size(), print) != 0) {
    return absl::InvalidArgumentError(
        "page_token: from a list with another filter; keep the filter while "
        "paging, or leave page_token empty to begin again");
  }
  return bytes.substr(print.size());
}

absl::StatusOr<int> ReadPageSize(int page_size) {
  if (page_size < 0 || page_size > kMaxPageSize) {
    return absl::InvalidArgumentError(
        absl::StrCat("page_size: ", page_size, " is not from 0 to ",
                     kMaxPageSize, "; 0 means ", kDefaultPageSize));
  }
  return page_size == 0 ? kDefaultPageSize : page_size;
}

}  // namespace rehai
