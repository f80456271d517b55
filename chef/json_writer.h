// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_JSON_WRITER_H_
#define CHEF_JSON_WRITER_H_

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace rehai::chef {

// Writes one JSON text from its beginning to its end, spelled as
// CanonicalJson() spells it. No tree is built: a rendering is made for each
// change of a host, and a tree of its values takes ten times as long as its
// text.
//
// The keys of an object are to be written in the order of their bytes, each
// once. Nothing here sees to that: those who write have it in their code, and
// their tests read the result back. Not thread-safe.
class JsonWriter {
 public:
  // The document, or an element of an array.
  void BeginObject() { Open('{'); }
  void EndObject() { text_ += '}'; }
  void Element(absl::string_view text) {
    Separate();
    Quote(text);
  }

  // Members of an object.
  void BeginObject(absl::string_view key) { Open(key, '{'); }
  void BeginArray(absl::string_view key) { Open(key, '['); }
  void EndArray() { text_ += ']'; }
  void String(absl::string_view key, absl::string_view text) {
    Key(key);
    Quote(text);
  }
  void Boolean(absl::string_view key, bool value) {
    Key(key);
    text_ += value ? "true" : "false";
  }
  template <typename Integer>
  void Number(absl::string_view key, Integer value) {
    Key(key);
    absl::StrAppend(&text_, value);
  }

  // What was written.
  std::string Take() && { return std::move(text_); }

 private:
  void Open(char bracket) {
    Separate();
    text_ += bracket;
  }
  void Open(absl::string_view key, char bracket) {
    Key(key);
    text_ += bracket;
  }
  void Key(absl::string_view key) {
    Separate();
    Quote(key);
    text_ += ':';
  }
  // A comma, except before the first.
  void Separate() {
    if (!text_.empty() && text_.back() != '{' && text_.back() != '[') {
      text_ += ',';
    }
  }
  void Quote(absl::string_view text);

  std::string text_;
};

}  // namespace rehai::chef

#endif  // CHEF_JSON_WRITER_H_
