// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fault/foreign_log.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "tests/lab/exact_json.h"
#include "tests/lab/race_log.h"

namespace rehai::fault {

absl::StatusOr<ForeignLog::Entry> ForeignLog::EntryOf(
    Who who, const std::string& document, absl::Time begin, absl::Time end) {
  ASSIGN_OR_RETURN(const std::string part, lab::ForeignPart(document));
  ASSIGN_OR_RETURN(nlohmann::json rest, lab::ParseExactly(part));
  nlohmann::json attributes;
  for (const char* const level :
       {"automatic", "default", "normal", "override"}) {
    attributes[level] = rest.value(level, nlohmann::json());
    rest.erase(level);
  }
  const std::hash<std::string> digest;
  return Entry{.attributes = digest(lab::DumpExactly(attributes)),
               .rest = digest(lab::DumpExactly(rest)),
               .begin = begin,
               .end = end,
               .who = who};
}

absl::Status ForeignLog::Put(Who who, const std::string& node,
                             const std::string& document, absl::Time begin,
                             absl::Time end) {
  ASSIGN_OR_RETURN(const Entry entry, EntryOf(who, document, begin, end));
  nodes_[node].puts.push_back(entry);
  return absl::OkStatus();
}

absl::Status ForeignLog::Written(const std::string& node,
                                 const std::string& document, absl::Time begin,
                                 absl::Time end) {
  // Of whom, does not matter here.
  ASSIGN_OR_RETURN(const Entry entry,
                   EntryOf(Who::kPerson, document, begin, end));
  nodes_[node].writes.push_back(entry);
  return absl::OkStatus();
}

bool ForeignLog::IsKnown(const OfNode& node, const Entry& write) {
  bool knows_rest = false;
  bool puts_back = false;
  for (const Entry& put : node.puts) {
    if (put.begin >= write.end) continue;
    if (put.HasPartsOf(write)) return true;
    knows_rest |= put.rest == write.rest;
    puts_back |=
        put.who == Who::kChefClient && put.attributes == write.attributes;
  }
  // What is put back stays so in the writes that follow.
  return knows_rest && puts_back;
}

ForeignLog::Judgement ForeignLog::Judge() const {
  Judgement judgement;
  for (const auto& [name, node] : nodes_) {
    std::set<const Entry*> rolled_back;
    for (const Entry& write : node.writes) {
      if (!IsKnown(node, write)) {
        judgement.made_up.push_back(
            absl::StrCat(name, ": the write of ", absl::FormatTime(write.begin),
                         " has attributes or a run list that nobody had put"));
        continue;
      }
      const Entry* newest = nullptr;
      for (const Entry& put : node.puts) {
        if (put.end > write.begin) continue;
        if (newest == nullptr || put.end > newest->end) newest = &put;
      }
      if (newest == nullptr || newest->HasPartsOf(write)) continue;
      // It may be built on one that was just being put.
      const bool is_newer = std::any_of(
          node.puts.begin(), node.puts.end(), [&](const Entry& put) {
            return put.HasPartsOf(write) && put.begin < write.end &&
                   put.end > newest->end;
          });
      if (!is_newer) rolled_back.insert(newest);
    }
    judgement.rolled_back += static_cast<int>(rolled_back.size());
  }
  return judgement;
}

}  // namespace rehai::fault
