// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "base/log.h"

#include <atomic>
#include <memory>

#include "absl/strings/str_format.h"
#include "spdlog/sinks/stdout_color_sinks.h"
#include "spdlog/spdlog.h"

namespace rehai::log {
namespace {

std::atomic<Format> g_format{Format::kText};

constexpr char kTextPattern[] = "%Y-%m-%dT%H:%M:%S.%eZ %^%L%$ %v";
constexpr char kJsonPattern[] =
    R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})";

spdlog::logger& Logger() {
  static spdlog::logger* const logger = [] {
    auto* made = new spdlog::logger(
        "rehai", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    made->set_pattern(kTextPattern, spdlog::pattern_time_type::utc);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

void AppendJsonString(std::string& out, absl::string_view text) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20) {
      absl::StrAppendFormat(&out, "\\u%04x", byte);
    } else {
      out += c;
    }
  }
  out += '"';
}

// Bare words stay bare; the rest is quoted so that a line stays one line.
void AppendTextValue(std::string& out, absl::string_view value) {
  const bool bare =
      !value.empty() && value.find_first_of(" \t\r\n\"\\=") == value.npos;
  if (bare) {
    absl::StrAppend(&out, value);
  } else {
    AppendJsonString(out, value);
  }
}

void Write(spdlog::level::level_enum level, absl::string_view event,
           std::initializer_list<Field> fields) {
  if (!Logger().should_log(level)) return;
  const std::string line = FormatEvent(g_format, event, fields);
  Logger().log(level, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace

void Configure(Level level, Format format) {
  static constexpr spdlog::level::level_enum kLevels[] = {
      spdlog::level::debug, spdlog::level::info, spdlog::level::warn,
      spdlog::level::err};
  g_format = format;
  Logger().set_level(kLevels[static_cast<int>(level)]);
  Logger().set_pattern(format == Format::kJson ? kJsonPattern : kTextPattern,
                       spdlog::pattern_time_type::utc);
}

std::string FormatEvent(Format format, absl::string_view event,
                        std::initializer_list<Field> fields) {
  std::string out;
  if (format == Format::kJson) {
    out = "\"event\":";
    AppendJsonString(out, event);
    for (const Field& field : fields) {
      out += ',';
      AppendJsonString(out, field.key);
      out += ':';
      AppendJsonString(out, field.value.Piece());
    }
    return out;
  }
  out.assign(event.data(), event.size());
  for (const Field& field : fields) {
    absl::StrAppend(&out, " ", field.key, "=");
    AppendTextValue(out, field.value.Piece());
  }
  return out;
}

void Debug(absl::string_view event, std::initializer_list<Field> fields) {
  Write(spdlog::level::debug, event, fields);
}
void Info(absl::string_view event, std::initializer_list<Field> fields) {
  Write(spdlog::level::info, event, fields);
}
void Warning(absl::string_view event, std::initializer_list<Field> fields) {
  Write(spdlog::level::warn, event, fields);
}
void Error(absl::string_view event, std::initializer_list<Field> fields) {
  Write(spdlog::level::err, event, fields);
}

}  // namespace rehai::log
