// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/keeping.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/log.h"
#include "controller/sync/progress.h"

namespace rehai {
namespace {

constexpr absl::Duration kFlushTimeout = absl::Seconds(5);

v1::StoredHost ToStored(const v1::Record& record,
                        const std::vector<GuestId>& held) {
  v1::StoredHost stored;
  *stored.mutable_record() = record;
  for (const GuestId& guest : held) stored.add_held_uuids(guest.uuid);
  // Nothing is taken in from who is not believed, so these are his facts.
  stored.set_believed_uuid(record.facts().uuid());
  return stored;
}

KeptRecord ToKept(v1::StoredHost stored) {
  KeptRecord kept;
  for (const std::string& uuid : stored.held_uuids()) {
    kept.held.push_back(GuestId{uuid});
  }
  kept.record = std::move(*stored.mutable_record());
  return kept;
}

}  // namespace

void KeepChanges(const KeptParts& parts, Store& store) {
  Chronicle& chronicle = parts.chronicle;
  parts.inventory.AddListener([&store, &chronicle](const Change& change) {
    std::vector<v1::HistoryEvent> events = chronicle.OnChange(change);
    if (change.record == nullptr) {
      store.Remove(change.host, std::move(events));
    } else {
      store.Put(ToStored(*change.record, change.held), std::move(events));
    }
  });
  parts.syncer.AddListener(
      [&store](v1::StoredNode node) { store.Put(std::move(node)); });
  // What changed nothing in its node is shown, too, though nothing was written.
  parts.syncer.AddProgressListener(
      [&store, &chronicle](const std::vector<Progress>& all) {
        for (const Progress& progress : all) {
          if (progress.level < v1::VISIBILITY_LEVEL_VERIFIED) continue;
          std::optional<v1::Shown> shown =
              chronicle.OnShown(progress.host, progress.revision, progress.at);
          if (shown.has_value()) store.Append(*std::move(shown));
        }
      });
  parts.operations.AddKeeper(
      [&store](v1::Operation operation) { store.Put(std::move(operation)); });
}

void RestoreParts(Store::Contents contents, const KeptParts& parts,
                  Store& store) {
  if (contents.kept_at == absl::InfinitePast()) return;
  parts.chronicle.Restore(contents.hosts, contents.last_event);
  std::vector<KeptRecord> records;
  records.reserve(contents.hosts.size());
  for (v1::StoredHost& host : contents.hosts) {
    records.push_back(ToKept(std::move(host)));
  }
  parts.inventory.Restore(std::move(records), contents.last_revision);
  // Else a run that ends before its first commit would leave its revisions to
  // the next, which gives them out again. If it cannot be kept, health says so.
  (void)store.Flush(kFlushTimeout);
  parts.source.Restore(parts.inventory.View()->records, contents.last_session);

  std::vector<v1::StoredNode> nodes;
  nodes.reserve(contents.nodes.size());
  for (v1::StoredNode& node : contents.nodes) {
    const HostId host{node.node()};
    if (parts.inventory.Find(host) != nullptr) {
      nodes.push_back(std::move(node));
    } else {
      store.Remove(host);  // a write of it ended after it had left
    }
  }
  parts.syncer.Restore(nodes);
  const size_t operations = contents.operations.size();
  parts.operations.Restore(std::move(contents.operations));
  log::Info("state restored",
            {{"hosts", parts.inventory.View()->records.size()},
             {"nodes", nodes.size()},
             {"operations", operations},
             {"as_of", absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", contents.kept_at,
                                        absl::UTCTimeZone())}});
}

void KeepAges(const Inventory& inventory, Store& store) {
  for (const Change& change : inventory.Everything()) {
    store.Put(ToStored(*change.record, change.held));
  }
}

}  // namespace rehai
