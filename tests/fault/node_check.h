// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FAULT_NODE_CHECK_H_
#define TESTS_FAULT_NODE_CHECK_H_

#include <string>
#include <vector>

#include "tests/lab/libvirt_client.h"

namespace rehai::fault {

// Where a node's attributes differ from what its host's libvirt lists: guests
// that are shown otherwise, not at all, or too many, in any of our trees. One
// sentence each; none if the node is as it should be. Pure.
std::vector<std::string> WrongIn(const std::string& node_json,
                                 const std::vector<lab::ShownGuest>& guests);

// Guests that the node's automatic.rehai shows; -1 if there is no such tree.
int GuestsShownIn(const std::string& node_json);

}  // namespace rehai::fault

#endif  // TESTS_FAULT_NODE_CHECK_H_
