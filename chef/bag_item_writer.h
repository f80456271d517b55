// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_BAG_ITEM_WRITER_H_
#define CHEF_BAG_ITEM_WRITER_H_

#include <cstdint>

#include "absl/functional/any_invocable.h"
#include "base/clock.h"
#include "chef/client.h"
#include "chef/node_change.h"
#include "chef/write_result.h"

namespace rehai::chef {

// Brings one host's item in a data bag up to date. The item is ours as a whole:
// {"id", "node", "libvirt", "rehai", "virtualization"}, with the node's name
// for its id, which every node's name can be. Nobody else writes it, so there
// is no race and no window. Tries once and says how it ended. Thread-safe; the
// caller has one write per item under way.
class BagItemWriter {
 public:
  struct Options {
    bool dry_run = false;  // never PUT or POST; results say what would change
    int64_t max_item_bytes = 1'000'000;
  };

  // `client` and `clock` must outlive this. What is under way goes on without
  // it.
  BagItemWriter(Options options, Client& client, const Clock& clock);

  // GET; if it differs, PUT; if there is no such item, POST. A bag that does
  // not exist ends in REJECTED with kNotFound, and is not made: who may see
  // what is in it is for people to decide. The other outcomes are as a node's.
  // Returns at once; `done` is called once, on one of the client's threads.
  void Write(NodeUpdate update, absl::AnyInvocable<void(WriteResult)> done);

 private:
  const Options options_;
  Client& client_;
  const Clock& clock_;
};

}  // namespace rehai::chef

#endif  // CHEF_BAG_ITEM_WRITER_H_
