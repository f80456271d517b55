// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/state/state_commands.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "controller/state/schema.h"
#include "controller/state/sqlite.h"
#include "controller/state/state_folder.h"

namespace rehai {
namespace {

using sqlite::Database;

bool IsThere(const std::string& file) {
  struct stat found;
  return stat(file.c_str(), &found) == 0;
}

// A file that can be relied on, to be read.
absl::StatusOr<Database> OpenGood(const std::string& file, const Clock& clock) {
  if (!IsThere(file)) {
    return absl::NotFoundError(absl::StrCat(
        file, ": there is none; name the folder of state.dir, or a backup"));
  }
  ASSIGN_OR_RETURN(Database database,
                   Database::Open(file, Database::Mode::kReadOnly));
  ASSIGN_OR_RETURN(const int64_t version,
                   database.QueryInt("PRAGMA user_version"));
  if (version > StateSchemaVersion()) {
    return absl::FailedPreconditionError(
        absl::StrCat(file, ": its format is version ", version,
                     ", and this program knows versions up to ",
                     StateSchemaVersion(), "; use the newer program's"));
  }
  RETURN_IF_ERROR(database.QuickCheck(absl::InfiniteDuration(), clock));
  return database;
}

// A copy of one moment, which appears whole or not at all.
absl::Status CopyTo(Database& source, const std::string& file) {
  const std::string part = file + ".part";
  (void)unlink(part.c_str());
  RETURN_IF_ERROR(WriteFileAtomically(part, "", 0600));
  const auto copy = [&]() -> absl::Status {
    ASSIGN_OR_RETURN(Database target,
                     Database::Open(part, Database::Mode::kReadWrite));
    RETURN_IF_ERROR(source.CopyTo(target));
    // One file, without others beside it.
    return target.Execute("PRAGMA journal_mode = DELETE");
  };
  absl::Status copied = copy();
  if (copied.ok() && rename(part.c_str(), file.c_str()) != 0) {
    copied = absl::UnavailableError(
        absl::StrCat(file, ": renaming: ", std::strerror(errno)));
  }
  if (!copied.ok()) (void)unlink(part.c_str());
  return copied;
}

}  // namespace

absl::StatusOr<std::string> CheckState(const std::string& folder,
                                       const Clock& clock) {
  const std::string file = StateFolder::FileIn(folder);
  ASSIGN_OR_RETURN(Database database, OpenGood(file, clock));
  ASSIGN_OR_RETURN(const int64_t version,
                   database.QueryInt("PRAGMA user_version"));
  std::string report = absl::StrCat(file, ": good, version ", version, ", ",
                                    BytesOfStateFile(file), " bytes\n");
  for (const char* table :
       {"hosts", "nodes", "operations", "history", "shown", "audit"}) {
    ASSIGN_OR_RETURN(
        const int64_t exists,
        database.QueryInt(absl::StrCat(
            "SELECT count(*) FROM sqlite_schema WHERE name = '", table, "'")));
    if (exists == 0) continue;  // an older version
    ASSIGN_OR_RETURN(const int64_t rows, database.QueryInt(absl::StrCat(
                                             "SELECT count(*) FROM ", table)));
    absl::StrAppend(&report, table, ": ", rows, "\n");
  }
  if (version == 0) return report;  // nothing was ever kept
  ASSIGN_OR_RETURN(const int64_t kept_at,
                   database.QueryInt("SELECT coalesce(max(value), 0) FROM "
                                     "facts WHERE name = 'kept_at'"));
  if (kept_at != 0) {
    absl::StrAppend(
        &report, "as of ",
        absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixMicros(kept_at),
                         absl::UTCTimeZone()),
        "\n");
  }
  return report;
}

absl::Status BackUpState(const std::string& folder, const std::string& file,
                         const Clock& clock) {
  if (IsThere(file)) {
    return absl::AlreadyExistsError(absl::StrCat(
        file, ": is there already; name a new file, or remove it"));
  }
  ASSIGN_OR_RETURN(Database database,
                   OpenGood(StateFolder::FileIn(folder), clock));
  return CopyTo(database, file);
}

absl::StatusOr<std::string> RestoreState(const std::string& file,
                                         const std::string& folder,
                                         const Clock& clock) {
  ASSIGN_OR_RETURN(Database backup, OpenGood(file, clock));
  ASSIGN_OR_RETURN(StateFolder locked, StateFolder::Lock(folder));
  const std::string restored = folder + "/rehai.db.restored";
  RETURN_IF_ERROR(CopyTo(backup, restored));
  std::string aside;
  if (IsThere(locked.file())) {
    ASSIGN_OR_RETURN(aside, locked.MoveAside("replaced", clock.Now()));
  }
  if (rename(restored.c_str(), locked.file().c_str()) != 0) {
    return absl::UnavailableError(
        absl::StrCat(locked.file(), ": renaming: ", std::strerror(errno),
                     "; what was there before is ", aside));
  }
  return aside;
}

}  // namespace rehai
