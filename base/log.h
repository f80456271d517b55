// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BASE_LOG_H_
#define BASE_LOG_H_

#include <initializer_list>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

// Structured logging: an event in plain words and its facts as key=value.
//
//   log::Info("host unreachable", {{"host", host.node}, {"next_try", due}});
//
// Log transitions, not iterations, once, where they are handled. Never log a
// secret or a whole node. Thread-safe; writes to standard error.
namespace rehai::log {

enum class Level { kDebug, kInfo, kWarning, kError };
enum class Format { kText, kJson };

struct Field {
  absl::string_view key;
  absl::AlphaNum value;
};

// Level kInfo and Format kText until called.
void Configure(Level level, Format format);

void Debug(absl::string_view event, std::initializer_list<Field> fields = {});
void Info(absl::string_view event, std::initializer_list<Field> fields = {});
void Warning(absl::string_view event, std::initializer_list<Field> fields = {});
void Error(absl::string_view event, std::initializer_list<Field> fields = {});

// One line without its time, as Configure(…, format) would write it: the part
// that a test can compare.
std::string FormatEvent(Format format, absl::string_view event,
                        std::initializer_list<Field> fields);

}  // namespace rehai::log

#endif  // BASE_LOG_H_
