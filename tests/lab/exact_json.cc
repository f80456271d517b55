// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/exact_json.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace rehai::lab {
namespace {

// No text has it: DEL may stand in JSON unescaped, and nobody writes it.
constexpr char kNumberMark[] = "\x7f";

// Where the string that begins at `begin` ends, its quotes included.
size_t EndOfString(const std::string& text, size_t begin) {
  for (size_t i = begin + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i + 1;
    }
  }
  return text.size();
}

}  // namespace

absl::StatusOr<nlohmann::json> ParseExactly(const std::string& text) {
  std::string marked;
  marked.reserve(text.size() + text.size() / 8);
  for (size_t i = 0; i < text.size();) {
    const size_t begin = i;
    if (text[i] == '"') {
      i = EndOfString(text, i);
      marked.append(text, begin, i - begin);
    } else if (text[i] == '-' || absl::ascii_isdigit(text[i])) {
      i = text.find_first_not_of("+-.0123456789eE", i);
      if (i == std::string::npos) i = text.size();
      absl::StrAppend(&marked, "\"", kNumberMark, text.substr(begin, i - begin),
                      "\"");
    } else {
      marked.push_back(text[i++]);
    }
  }
  nlohmann::json tree =
      nlohmann::json::parse(marked, nullptr, /*allow_exceptions=*/false);
  if (tree.is_discarded()) {
    return absl::InvalidArgumentError(
        absl::StrCat("not JSON: ", text.substr(0, 200)));
  }
  return tree;
}

std::string DumpExactly(const nlohmann::json& tree) {
  const std::string marked = tree.dump();
  const std::string begin = absl::StrCat("\"", kNumberMark);
  std::string text;
  text.reserve(marked.size());
  for (size_t i = 0; i < marked.size();) {
    if (marked[i] != '"') {
      text.push_back(marked[i++]);
      continue;
    }
    const size_t end = EndOfString(marked, i);
    const bool number = marked.compare(i, begin.size(), begin) == 0;
    text.append(marked, number ? i + begin.size() : i,
                number ? end - 1 - i - begin.size() : end - i);
    i = end;
  }
  return text;
}

nlohmann::json ExactNumber(const std::string& spelling) {
  return absl::StrCat(kNumberMark, spelling);
}

std::string SpellingOf(const nlohmann::json& value) {
  if (!value.is_string()) return "";
  const std::string text = value.get<std::string>();
  return absl::StartsWith(text, kNumberMark) ? text.substr(1) : "";
}

}  // namespace rehai::lab
