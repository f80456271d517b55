// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/state/past_reads.h"

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "base/proto_time.h"
#include "base/status_macros.h"

namespace rehai {
namespace {

using sqlite::Database;
using sqlite::Statement;

// A condition and what it is given. SQL that no value is part of.
class Conditions {
 public:
  // `sql` has one "?", for the value.
  void Add(const std::string& sql, std::variant<int64_t, std::string> value) {
    sql_.push_back(sql);
    values_.push_back(std::move(value));
  }
  void Add(const std::string& sql) { sql_.push_back(sql); }
  void Value(std::variant<int64_t, std::string> value) {
    values_.push_back(std::move(value));
  }

  std::string Where() const {
    return sql_.empty() ? ""
                        : absl::StrCat(" WHERE ", absl::StrJoin(sql_, " AND "));
  }
  void BindTo(Statement& statement) const {
    int parameter = 0;
    for (const auto& value : values_) {
      ++parameter;
      if (const auto* number = std::get_if<int64_t>(&value)) {
        statement.Bind(parameter, *number);
      } else {
        statement.BindText(parameter, std::get<std::string>(value));
      }
    }
  }

 private:
  std::vector<std::string> sql_;
  std::vector<std::variant<int64_t, std::string>> values_;
};

// Earlier and later than whatever is kept stay so.
int64_t Micros(absl::Time time) { return absl::ToUnixMicros(time); }

void AddTimes(absl::Time from, absl::Time until, Conditions& conditions) {
  if (from != absl::InfinitePast()) conditions.Add("at >= ?", Micros(from));
  if (until != absl::InfiniteFuture()) conditions.Add("at < ?", Micros(until));
}

template <typename T>
absl::Status Parse(const Database& database, const std::string& bytes, T& out) {
  if (out.ParseFromString(bytes)) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(database.path(),
                   ": damaged: an entry cannot be read; restart the "
                   "controller, or restore a backup"));
}

absl::StatusOr<int64_t> Fact(Database& database, const char* name) {
  return database.QueryInt(absl::StrCat(
      "SELECT coalesce(max(value), 0) FROM facts WHERE name = '", name, "'"));
}

// What is known of the history as a whole.
struct Extent {
  absl::Time complete_since = absl::InfiniteFuture();
  int64_t passed = 0;  // by pruning
  int64_t floor = 0;   // what is up to here is no part of what was where
};

absl::StatusOr<Extent> ReadExtent(Database& database) {
  Extent extent;
  ASSIGN_OR_RETURN(const int64_t since, Fact(database, "history_since"));
  if (since != 0) extent.complete_since = absl::FromUnixMicros(since);
  ASSIGN_OR_RETURN(extent.passed, Fact(database, "history_passed"));
  ASSIGN_OR_RETURN(extent.floor, Fact(database, "history_floor"));
  return extent;
}

absl::Status CheckReach(const Extent& extent, absl::Time at) {
  if (at >= extent.complete_since) return absl::OkStatus();
  if (extent.complete_since == absl::InfiniteFuture()) {
    return absl::OutOfRangeError(
        "history: nothing is kept yet; it begins when a host is first seen");
  }
  return absl::OutOfRangeError(
      absl::StrCat("history: what was where is known since ",
                   absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ",
                                    extent.complete_since, absl::UTCTimeZone()),
                   " only; ask for a later time"));
}

// Reads single events, and when Chef showed them.
class Events {
 public:
  static absl::StatusOr<Events> Open(Database& database, const Extent& extent) {
    ASSIGN_OR_RETURN(
        Statement event,
        database.Prepare(
            "SELECT event, ends FROM history WHERE sequence = ?1"));
    ASSIGN_OR_RETURN(
        Statement shown,
        database.Prepare("SELECT at FROM shown WHERE node = ?1 AND revision >= "
                         "?2 ORDER BY revision LIMIT 1"));
    return Events(database, extent, std::move(event), std::move(shown));
  }

  // False: after it, what it is about is there no more.
  absl::StatusOr<bool> Read(int64_t sequence, v1::HistoryEvent& event) {
    event_.Bind(1, sequence);
    ASSIGN_OR_RETURN(const bool has_row, event_.Step());
    if (!has_row) {
      return absl::DataLossError(absl::StrCat(
          database_.path(), ": damaged: an index names what is not there"));
    }
    const bool stays = event_.Int(1) == 0;
    RETURN_IF_ERROR(Parse(database_, event_.Bytes(0), event));
    event_.Reset();
    RETURN_IF_ERROR(AddShown(event));
    return stays;
  }

 private:
  Events(Database& database, const Extent& extent, Statement event,
         Statement shown)
      : database_(database),
        extent_(extent),
        event_(std::move(event)),
        shown_(std::move(shown)) {}

  absl::Status AddShown(v1::HistoryEvent& event) {
    // When the older ones were shown is not kept any more, and a later showing
    // is not theirs.
    if (event.sequence() <= extent_.passed) return absl::OkStatus();
    shown_.BindText(1, event.node()).Bind(2, event.revision());
    ASSIGN_OR_RETURN(const bool has_row, shown_.Step());
    if (has_row) {
      *event.mutable_shown_at() = ToProto(absl::FromUnixMicros(shown_.Int(0)));
    }
    shown_.Reset();
    return absl::OkStatus();
  }

  Database& database_;
  const Extent& extent_;
  Statement event_;
  Statement shown_;
};

// Adds the event to the page; false: the page is full without it.
bool AddTo(EventPage& page, v1::HistoryEvent event, int limit,
           size_t page_bytes, size_t& bytes) {
  if (page.events.size() == static_cast<size_t>(limit) || bytes >= page_bytes) {
    page.more = true;
    return false;
  }
  bytes += event.ByteSizeLong();
  page.events.push_back(std::move(event));
  return true;
}

std::string IndexForEvents(const EventQuery& query) {
  if (!query.guest_uuid.empty()) {
    return " INDEXED BY history_by_guest";
  }
  if (!query.guest_name.empty()) return " INDEXED BY history_by_name";
  if (!query.node.empty()) return " INDEXED BY history_by_node";
  // Without it, rows would be read whole only to be passed over.
  const bool is_sparse = !query.kinds.empty() ||
                         query.from != absl::InfinitePast() ||
                         query.until != absl::InfiniteFuture();
  return is_sparse ? " INDEXED BY history_by_time" : "";
}

Conditions ConditionsOf(const EventQuery& query) {
  Conditions where;
  if (!query.guest_uuid.empty()) {
    where.Add("guest <> ''");  // as the index says
    where.Add("guest = ?", query.guest_uuid);
  }
  if (!query.guest_name.empty()) {
    where.Add("name <> ''");
    where.Add("name = ?", query.guest_name);
  }
  if (!query.node.empty()) where.Add("node = ?", query.node);
  AddTimes(query.from, query.until, where);
  if (!query.kinds.empty()) {
    where.Add(absl::StrCat("kind IN (", absl::StrJoin(query.kinds, ","), ")"));
  }
  if (query.after != 0) {
    where.Add(query.oldest_first ? "sequence > ?" : "sequence < ?",
              query.after);
  }
  return where;
}

}  // namespace

absl::StatusOr<AuditPage> ReadAudit(Database& database, const AuditQuery& query,
                                    size_t page_bytes) {
  Conditions where;
  if (!query.caller.empty()) where.Add("caller = ?", query.caller);
  if (!query.command.empty()) {
    where.Add("(command = ? OR substr(command, 1, length(?) + 1) = ? || '.')",
              query.command);
    where.Value(query.command);
    where.Value(query.command);
  }
  AddTimes(query.from, query.until, where);
  if (query.before != 0) where.Add("sequence < ?", query.before);
  ASSIGN_OR_RETURN(
      Statement rows,
      database.Prepare(absl::StrCat("SELECT sequence, entry FROM audit",
                                    where.Where(), " ORDER BY sequence DESC")));
  where.BindTo(rows);
  AuditPage page;
  size_t bytes = 0;
  int64_t last = 0;
  while (true) {
    ASSIGN_OR_RETURN(const bool has_row, rows.Step());
    if (!has_row) return page;
    if (page.entries.size() == static_cast<size_t>(query.limit) ||
        bytes >= page_bytes) {
      page.next = last;
      return page;
    }
    last = rows.Int(0);
    const std::string entry = rows.Bytes(1);
    RETURN_IF_ERROR(Parse(database, entry, page.entries.emplace_back()));
    bytes += entry.size();
  }
}

absl::StatusOr<EventPage> ReadEvents(Database& database,
                                     const EventQuery& query,
                                     size_t page_bytes) {
  ASSIGN_OR_RETURN(const Extent extent, ReadExtent(database));
  ASSIGN_OR_RETURN(Events events, Events::Open(database, extent));
  const Conditions where = ConditionsOf(query);
  ASSIGN_OR_RETURN(
      Statement rows,
      database.Prepare(absl::StrCat(
          "SELECT sequence FROM history", IndexForEvents(query), where.Where(),
          " ORDER BY sequence", query.oldest_first ? "" : " DESC", " LIMIT ",
          query.limit + 1)));
  where.BindTo(rows);
  EventPage page;
  page.complete_since = extent.complete_since;
  size_t bytes = 0;
  while (true) {
    ASSIGN_OR_RETURN(const bool has_row, rows.Step());
    if (!has_row) return page;
    v1::HistoryEvent event;
    RETURN_IF_ERROR(events.Read(rows.Int(0), event).status());
    if (!AddTo(page, std::move(event), query.limit, page_bytes, bytes)) {
      return page;
    }
  }
}

absl::StatusOr<EventPage> ReadAsOf(Database& database, const AsOfQuery& query,
                                   size_t page_bytes) {
  ASSIGN_OR_RETURN(const Extent extent, ReadExtent(database));
  RETURN_IF_ERROR(CheckReach(extent, query.at));
  ASSIGN_OR_RETURN(Events events, Events::Open(database, extent));

  // The newest event of each, in the order of an index.
  Conditions where;
  std::string index;
  std::string order = "guest, node";
  if (query.whose == AsOfQuery::kHosts) {
    index = "history_of_hosts";
    order = "node";
    where.Add("guest = ''");
    where.Add("node > ?", query.after_node);
  } else {
    index = query.node.empty() ? "history_by_guest" : "history_by_node";
    where.Add("guest <> ''");
    where.Add("(guest, node) > (?, ?)", query.after_guest);
    where.Value(query.after_node);
  }
  if (!query.node.empty()) where.Add("node = ?", query.node);
  if (!query.guest_uuid.empty()) where.Add("guest = ?", query.guest_uuid);
  if (!query.guest_name.empty()) {
    where.Add(
        "guest IN (SELECT guest FROM history WHERE name <> '' AND name = ?)",
        query.guest_name);
  }
  where.Add("at <= ?", Micros(query.at));
  where.Add("sequence > ?", extent.floor);
  ASSIGN_OR_RETURN(
      Statement rows,
      database.Prepare(absl::StrCat("SELECT max(sequence) FROM history INDEXED "
                                    "BY ",
                                    index, where.Where(), " GROUP BY ", order,
                                    " ORDER BY ", order)));
  where.BindTo(rows);
  EventPage page;
  page.complete_since = extent.complete_since;
  size_t bytes = 0;
  while (true) {
    ASSIGN_OR_RETURN(const bool has_row, rows.Step());
    if (!has_row) return page;
    v1::HistoryEvent event;
    ASSIGN_OR_RETURN(const bool was_there, events.Read(rows.Int(0), event));
    if (!was_there) continue;
    if (!query.guest_name.empty() && event.guest().name() != query.guest_name) {
      continue;
    }
    if (!AddTo(page, std::move(event), query.limit, page_bytes, bytes)) {
      return page;
    }
  }
}

absl::StatusOr<TwoTimesPage> ReadAtTwoTimes(Database& database,
                                            const TwoTimesQuery& query,
                                            size_t page_bytes) {
  ASSIGN_OR_RETURN(const Extent extent, ReadExtent(database));
  RETURN_IF_ERROR(CheckReach(extent, query.from));
  Conditions where;
  where.Add("at > ?", Micros(query.from));
  where.Add("at <= ?", Micros(query.to));
  where.Add("guest <> ''");
  where.Add("guest > ?", query.after_guest);
  where.Add("sequence > ?", extent.floor);
  ASSIGN_OR_RETURN(Statement rows, database.Prepare(absl::StrCat(
                                       "SELECT DISTINCT guest FROM history",
                                       where.Where(), " ORDER BY guest")));
  where.BindTo(rows);
  TwoTimesPage page;
  page.complete_since = extent.complete_since;
  size_t bytes = 0;
  while (true) {
    ASSIGN_OR_RETURN(const bool has_row, rows.Step());
    if (!has_row) return page;
    if (page.guests.size() == static_cast<size_t>(query.limit) ||
        bytes >= page_bytes) {
      page.more = true;
      return page;
    }
    GuestAtTwoTimes& guest = page.guests.emplace_back();
    guest.uuid = rows.Bytes(0);
    const auto at = [&](absl::Time time,
                        std::vector<v1::HistoryEvent>& out) -> absl::Status {
      ASSIGN_OR_RETURN(EventPage there,
                       ReadAsOf(database,
                                {.at = time,
                                 .guest_uuid = guest.uuid,
                                 .limit = std::numeric_limits<int>::max()},
                                page_bytes));
      for (v1::HistoryEvent& event : there.events) {
        bytes += event.ByteSizeLong();
        out.push_back(std::move(event));
      }
      return absl::OkStatus();
    };
    RETURN_IF_ERROR(at(query.from, guest.before));
    RETURN_IF_ERROR(at(query.to, guest.after));
  }
}

}  // namespace rehai
