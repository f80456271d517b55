// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/settings.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"

namespace rehai::chef {
namespace {

std::optional<SettingKey> KeyNamed(absl::string_view name) {
  if (name == "chef_server_url") return SettingKey::kServerUrl;
  if (name == "node_name" || name == "client_name") {
    return SettingKey::kClientName;
  }
  if (name == "client_key") return SettingKey::kClientKey;
  if (name == "ssl_ca_file") return SettingKey::kCaFile;
  if (name == "trusted_certs_dir") return SettingKey::kTrustedCertsDir;
  if (name == "ssl_verify_mode") return SettingKey::kVerifyMode;
  return std::nullopt;
}

// Takes letters, digits, underscores and characters of `more` from the front.
absl::string_view TakeWord(absl::string_view& text,
                           absl::string_view more = "") {
  size_t size = 0;
  while (size < text.size() &&
         (absl::ascii_isalnum(text[size]) || text[size] == '_' ||
          absl::StrContains(more, text[size]))) {
    ++size;
  }
  const absl::string_view word = text.substr(0, size);
  text.remove_prefix(size);
  return word;
}

// ---- Ruby ----

// Takes a string literal whose value can be known without running Ruby.
std::optional<std::string> TakeRubyString(absl::string_view& text) {
  if (text.empty() || (text[0] != '\'' && text[0] != '"')) return std::nullopt;
  const char quote = text[0];
  std::string value;
  for (size_t i = 1; i < text.size(); ++i) {
    const char c = text[i];
    if (c == quote) {
      text.remove_prefix(i + 1);
      return value;
    }
    if (quote == '"' && c == '#' && i + 1 < text.size() &&
        (text[i + 1] == '{' || text[i + 1] == '@' || text[i + 1] == '$')) {
      return std::nullopt;
    }
    if (c == '\\' && i + 1 < text.size()) {
      const char escaped = text[i + 1];
      if (escaped == quote || escaped == '\\') {
        value += escaped;
        ++i;
        continue;
      }
      // "\n" and its like have no place in what we read.
      if (quote == '"') return std::nullopt;
    }
    value += c;
  }
  return std::nullopt;
}

// The value of `key value`, `key(value)`; nullopt if only Ruby knows it.
std::optional<std::string> RubyArgument(SettingKey key,
                                        absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  const bool parenthesis = absl::ConsumePrefix(&text, "(");
  text = absl::StripLeadingAsciiWhitespace(text);
  std::optional<std::string> value;
  if (key == SettingKey::kVerifyMode && absl::ConsumePrefix(&text, ":")) {
    value = std::string(TakeWord(text));
  } else {
    value = TakeRubyString(text);
  }
  text = absl::StripLeadingAsciiWhitespace(text);
  if (parenthesis && !absl::ConsumePrefix(&text, ")")) return std::nullopt;
  text = absl::StripLeadingAsciiWhitespace(text);
  absl::ConsumePrefix(&text, ";");
  text = absl::StripLeadingAsciiWhitespace(text);
  if (!text.empty() && text[0] != '#') return std::nullopt;
  return value;
}

absl::Status NeedsRuby(absl::string_view file_name, int line,
                       absl::string_view word, SettingKey key) {
  return absl::InvalidArgumentError(absl::StrCat(
      file_name, ":", line, ": ", word,
      " is set by Ruby that would have to be run, and Rehai reads plain "
      "strings only; set ",
      ConfigKey(key), " in Rehai's configuration instead"));
}

// ---- TOML ----

class CredentialsParser {
 public:
  CredentialsParser(absl::string_view file_name, absl::string_view text,
                    absl::string_view profile,
                    const std::set<SettingKey>& wanted)
      : file_name_(file_name),
        rest_(text),
        profile_(profile),
        wanted_(wanted) {}

  absl::StatusOr<Settings> Parse() {
    while (!rest_.empty()) {
      SkipBlanks();
      if (absl::ConsumePrefix(&rest_, "[")) {
        ReadHeader();
      } else if (!rest_.empty() && rest_[0] != '#' && rest_[0] != '\n') {
        RETURN_IF_ERROR(ReadPair());
      }
      SkipLine();
    }
    if (!found_) return NoSuchProfile();
    return settings_;
  }

 private:
  void Advance(size_t n) {
    for (const char c : rest_.substr(0, n)) line_ += c == '\n';
    rest_.remove_prefix(n);
  }

  void SkipBlanks() {
    size_t n = 0;
    while (n < rest_.size() &&
           (rest_[n] == ' ' || rest_[n] == '\t' || rest_[n] == '\r')) {
      ++n;
    }
    Advance(n);
  }

  void SkipLine() {
    const size_t end = rest_.find('\n');
    Advance(end == rest_.npos ? rest_.size() : end + 1);
  }

  // [name], ['quoted.name']. A dotted name is a table inside a profile.
  void ReadHeader() {
    in_profile_ = false;
    absl::string_view line = rest_.substr(0, rest_.find('\n'));
    absl::string_view name =
        absl::StripAsciiWhitespace(line.substr(0, line.find(']')));
    if (name.size() >= 2 && (name[0] == '"' || name[0] == '\'') &&
        name.back() == name[0]) {
      name = name.substr(1, name.size() - 2);
    } else if (absl::StrContains(name, '.') || absl::StartsWith(name, "[")) {
      return;
    }
    profiles_.push_back(std::string(name));
    in_profile_ = name == profile_;
    found_ = found_ || in_profile_;
  }

  absl::Status ReadPair() {
    const int line = line_;
    absl::ConsumePrefix(&rest_, "\"");
    const absl::string_view word = TakeWord(rest_, "-.");
    absl::ConsumePrefix(&rest_, "\"");
    SkipBlanks();
    if (!absl::ConsumePrefix(&rest_, "=")) return absl::OkStatus();
    SkipBlanks();
    // Strings of other keys are read too, to know where they end.
    ASSIGN_OR_RETURN(std::optional<std::string> value, ReadString());
    const std::optional<SettingKey> key = KeyNamed(word);
    if (!in_profile_ || !key.has_value() || !wanted_.contains(*key)) {
      return absl::OkStatus();
    }
    if (!value.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat(
          file_name_, ":", line, ": ", word, " is not a string; write ", word,
          " = \"...\", or set ", ConfigKey(*key), " in Rehai's configuration"));
    }
    if (*key == SettingKey::kVerifyMode) {
      value = std::string(absl::StripPrefix(*value, ":"));
    }
    settings_[*key] = {*std::move(value), line};
    return absl::OkStatus();
  }

  // nullopt: some other value, which is left to SkipLine().
  absl::StatusOr<std::optional<std::string>> ReadString() {
    const int line = line_;
    for (const absl::string_view quote : {R"(""")", "'''", "\"", "'"}) {
      if (!absl::StartsWith(rest_, quote)) continue;
      Advance(quote.size());
      if (quote.size() == 3) {
        if (absl::StartsWith(rest_, "\r\n")) Advance(1);
        if (absl::StartsWith(rest_, "\n")) Advance(1);
      }
      std::optional<std::string> value = ReadUntil(quote);
      if (!value.has_value()) {
        return absl::InvalidArgumentError(
            absl::StrCat(file_name_, ":", line,
                         ": a string begins here and does not end; "
                         "close it with ",
                         quote));
      }
      return value;
    }
    return std::nullopt;
  }

  std::optional<std::string> ReadUntil(absl::string_view quote) {
    const bool multi_line = quote.size() == 3;
    const bool escapes = quote[0] == '"';
    std::string value;
    size_t i = 0;
    while (i < rest_.size()) {
      if (absl::StartsWith(rest_.substr(i), quote)) {
        Advance(i + quote.size());
        return value;
      }
      const char c = rest_[i];
      if (c == '\n' && !multi_line) return std::nullopt;
      if (escapes && c == '\\' && i + 1 < rest_.size()) {
        i += TakeEscape(rest_.substr(i), value);
        continue;
      }
      value += c;
      ++i;
    }
    return std::nullopt;
  }

  // Appends what the escape at the front of `text` means; returns its length.
  static size_t TakeEscape(absl::string_view text, std::string& value) {
    switch (text[1]) {
      case 'n':
        value += '\n';
        return 2;
      case 't':
        value += '\t';
        return 2;
      case 'r':
        value += '\r';
        return 2;
      case '\n': {  // joins lines
        size_t n = 2;
        while (n < text.size() && absl::ascii_isspace(text[n])) ++n;
        return n;
      }
      default:  // \" and \\; others have no place in what we read
        value += text[1];
        return 2;
    }
  }

  absl::Status NoSuchProfile() const {
    return absl::NotFoundError(absl::StrCat(
        file_name_, ": has no profile \"", profile_, "\"; ",
        profiles_.empty()
            ? std::string("it has none at all")
            : absl::StrCat("set chef.credentials_profile to one of: ",
                           absl::StrJoin(profiles_, ", "))));
  }

  const absl::string_view file_name_;
  absl::string_view rest_;
  const absl::string_view profile_;
  const std::set<SettingKey>& wanted_;
  int line_ = 1;
  bool in_profile_ = false;
  bool found_ = false;
  std::vector<std::string> profiles_;
  Settings settings_;
};

}  // namespace

absl::StatusOr<Settings> ParseKnifeFile(absl::string_view file_name,
                                        absl::string_view text,
                                        const std::set<SettingKey>& wanted) {
  Settings settings;
  int line_number = 0;
  bool in_comment = false;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++line_number;
    if (absl::StartsWith(line, "__END__")) break;
    if (absl::StartsWith(line, "=begin")) in_comment = true;
    if (absl::StartsWith(line, "=end")) in_comment = false;
    if (in_comment) continue;
    absl::string_view rest = absl::StripAsciiWhitespace(line);
    const absl::string_view word = TakeWord(rest);
    const std::optional<SettingKey> key = KeyNamed(word);
    if (!key.has_value() || !wanted.contains(*key)) continue;
    std::optional<std::string> value = RubyArgument(*key, rest);
    if (!value.has_value()) {
      return NeedsRuby(file_name, line_number, word, *key);
    }
    const auto [before, is_new] =
        settings.emplace(*key, Setting{*value, line_number});
    // Which of two counts may depend on Ruby around them.
    if (!is_new && before->second.value != *value) {
      return absl::InvalidArgumentError(absl::StrCat(
          file_name, ":", line_number, ": ", word,
          " is set again, and differently from line ", before->second.line,
          "; set ", ConfigKey(*key), " in Rehai's configuration to choose"));
    }
  }
  return settings;
}

absl::StatusOr<Settings> ParseCredentialsFile(
    absl::string_view file_name, absl::string_view text,
    absl::string_view profile, const std::set<SettingKey>& wanted) {
  return CredentialsParser(file_name, text, profile, wanted).Parse();
}

absl::string_view ConfigKey(SettingKey key) {
  switch (key) {
    case SettingKey::kServerUrl:
      return "chef.server_url";
    case SettingKey::kClientName:
      return "chef.client_name";
    case SettingKey::kClientKey:
      return "chef.client_key_file";
    case SettingKey::kCaFile:
    case SettingKey::kVerifyMode:
      return "chef.ca_file";
    case SettingKey::kTrustedCertsDir:
      break;
  }
  return "chef.trusted_certs_dir";
}

}  // namespace rehai::chef
