// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_DISCOVERY_SEARCH_TURNS_H_
#define CONTROLLER_DISCOVERY_SEARCH_TURNS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/random/bit_gen_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/backoff.h"
#include "chef/node_query.h"
#include "controller/discovery/chef_search.h"
#include "controller/discovery/provider.h"

namespace rehai {

// Which Chef search is to be asked when, and what each has found.
//
// A search is asked at the start, after its interval, and sooner after an
// error, with waits that grow. An answer that does not come within `timeout` is
// an error, and ignored if it comes after all. An error keeps the hosts.
//
// Sends nothing: it says what to ask and takes the answers. Not thread-safe.
class SearchTurns {
 public:
  struct Options {
    // The longest wait is the search's interval, if that is shorter.
    BackoffOptions retry = {.min = absl::Seconds(5), .max = absl::Minutes(5)};
    absl::Duration timeout = absl::Minutes(1);
  };

  struct Turn {
    size_t search;   // index
    int64_t number;  // one for each question ever asked
    chef::NodeQuery::Question question;
  };

  SearchTurns(Options options, std::vector<ChefSearch> searches);

  // The questions to be asked at `uptime`; they count as asked. Gives up those
  // whose time is over.
  std::vector<Turn> Take(absl::Duration uptime, absl::BitGenRef random);

  // The answer to a turn that was taken. `now` is wall time.
  void Finish(size_t search, int64_t number,
              const absl::StatusOr<chef::NodeQuery::Answer>& answer,
              absl::Duration uptime, absl::Time now, absl::BitGenRef random);

  // When Take() has something to do again; infinite without searches.
  absl::Duration NextDue() const;

  // True once every search has given a set.
  bool AllAnswered() const;

  // In the order of the searches.
  const std::vector<Provider>& providers() const { return providers_; }

 private:
  struct State {
    absl::Duration due =
        absl::ZeroDuration();  // uptime; of an answer, if asked
    int64_t asked = 0;         // number of the turn under way; 0: none
    int failures = 0;          // in a row
  };

  void Fail(size_t search, const absl::Status& why, absl::Duration uptime,
            absl::BitGenRef random);

  const Options options_;
  const std::vector<ChefSearch> searches_;
  // Both by the index of the search.
  std::vector<State> states_;
  std::vector<Provider> providers_;
  int64_t last_number_ = 0;
};

}  // namespace rehai

#endif  // CONTROLLER_DISCOVERY_SEARCH_TURNS_H_
