// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fault/people.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "tests/lab/exact_json.h"

namespace rehai::fault {

absl::StatusOr<std::unique_ptr<People>> People::Start(Options options) {
  if (options.nodes.empty()) {
    return absl::InvalidArgumentError("people: no nodes to edit; name some");
  }
  ASSIGN_OR_RETURN(std::unique_ptr<lab::Knife> knife,
                   lab::Knife::Create(options.account));
  std::unique_ptr<People> people(
      new People(std::move(options), std::move(knife)));
  people->thread_ = std::thread([&people = *people] { people.Work(); });
  return people;
}

People::People(Options options, std::unique_ptr<lab::Knife> knife)
    : options_(std::move(options)),
      knife_(std::move(knife)),
      random_(options_.seed) {}

People::~People() { Stop(); }

void People::Stop() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void People::Work() {
  while (true) {
    const double share = 0.5 + static_cast<double>(random_() % 1000) / 1000;
    const absl::Duration due =
        Clock::Real().Uptime() + share * options_.interval;
    {
      MutexLock lock(mu_);
      while (!stopping_ && Clock::Real().Uptime() < due) {
        Clock::Real().WaitUntil(due, mu_, changed_);
      }
      if (stopping_) return;
    }
    (void)EditNow(options_.nodes[random_() % options_.nodes.size()]);
  }
}

absl::Status People::EditNow(const std::string& node) {
  const absl::Status edited = EditOne(node);
  MutexLock lock(mu_);
  status_.Update(edited);
  return edited;
}

absl::Status People::EditOne(const std::string& node) {
  const std::string path = absl::StrCat("/nodes/", node);
  ASSIGN_OR_RETURN(const lab::Knife::Answer read, knife_->Send("GET", path));
  if (read.http_status != 200) {
    return absl::InternalError(absl::StrCat(node, ": a read was answered ",
                                            read.http_status, ": ", read.body));
  }
  ASSIGN_OR_RETURN(nlohmann::json document, lab::ParseExactly(read.body));
  const int number = ++number_;
  document["run_list"] = {"recipe[kvm]", absl::StrCat("role[r", number, "]")};
  document["normal"]["owner"] = absl::StrCat("person ", number);
  Edit edit;
  edit.node = node;
  edit.saved = lab::DumpExactly(document);
  edit.begin = Clock::Real().Now();
  ASSIGN_OR_RETURN(
      const lab::Knife::Answer put,
      knife_->Send("PUT", path,
                   absl::string_view(edit.saved.data(), edit.saved.size())));
  edit.end = Clock::Real().Now();
  if (put.http_status != 200) {
    return absl::InternalError(absl::StrCat(node, ": an edit was answered ",
                                            put.http_status, ": ", put.body));
  }
  MutexLock lock(mu_);
  edits_.push_back(std::move(edit));
  return absl::OkStatus();
}

std::vector<People::Edit> People::edits() const {
  MutexLock lock(mu_);
  return edits_;
}

absl::Status People::status() const {
  MutexLock lock(mu_);
  return status_;
}

}  // namespace rehai::fault
