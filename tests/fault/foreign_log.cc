// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fault/foreign_log.h"

#include <functional>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "tests/lab/race_log.h"

namespace rehai::fault {
namespace {

absl::StatusOr<size_t> DigestOf(const std::string& document) {
  ASSIGN_OR_RETURN(const std::string part, lab::ForeignPart(document));
  return std::hash<std::string>()(part);
}

}  // namespace

absl::Status ForeignLog::Put(const std::string& node,
                             const std::string& document, absl::Time begin,
                             absl::Time end) {
  ASSIGN_OR_RETURN(const size_t digest, DigestOf(document));
  nodes_[node].puts.push_back({digest, begin, end});
  return absl::OkStatus();
}

absl::Status ForeignLog::Written(const std::string& node,
                                 const std::string& document, absl::Time begin,
                                 absl::Time end) {
  ASSIGN_OR_RETURN(const size_t digest, DigestOf(document));
  nodes_[node].writes.push_back({digest, begin, end});
  return absl::OkStatus();
}

ForeignLog::Judgement ForeignLog::Judge() const {
  Judgement judgement;
  for (const auto& [name, node] : nodes_) {
    for (const Entry& write : node.writes) {
      bool is_known = false;
      const Entry* newest = nullptr;
      for (const Entry& put : node.puts) {
        is_known |= put.digest == write.digest && put.begin < write.end;
        if (put.end > write.begin) continue;
        if (newest == nullptr || put.end > newest->end) newest = &put;
      }
      if (!is_known) {
        judgement.made_up.push_back(
            absl::StrCat(name, ": the write of ", absl::FormatTime(write.begin),
                         " has attributes or a run list that nobody had put"));
      } else if (newest != nullptr && newest->digest != write.digest) {
        // Unless it was built on one that was being put.
        bool is_newer = false;
        for (const Entry& put : node.puts) {
          is_newer |= put.digest == write.digest && put.begin < write.end &&
                      put.end > newest->end;
        }
        if (!is_newer) ++judgement.rolled_back;
      }
    }
  }
  return judgement;
}

}  // namespace rehai::fault
