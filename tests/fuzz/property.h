// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FUZZ_PROPERTY_H_
#define TESTS_FUZZ_PROPERTY_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

// What a fuzz target is: one function that reads an input as the program would
// and says what does not hold of the result. libFuzzer calls it with inputs of
// its making, and a test with those that are kept.
namespace rehai {

// Empty if everything holds. Each target defines its own, and says above it
// what an input looks like and what is to hold. The same input gets the same
// answer; nothing outside is read or changed.
std::string BrokenProperty(absl::string_view input);

// True if protobuf would take it for a string, so that it may be shown over the
// API.
bool CanBeSent(absl::string_view text);

// True if another parser takes it for JSON, up to the first number that is too
// large for it: the grammar has no largest.
bool IsJson(absl::string_view text);

// What is wrong with an error as people get it; empty if nothing is. It has
// words, in UTF-8, and not more of them than fit into a log line or gRPC's
// trailers.
std::string BrokenError(const absl::Status& status);

// Cuts the part up to `separator` off the front of `rest`, and the separator;
// all of it, if there is none.
absl::string_view TakePart(absl::string_view& rest,
                           absl::string_view separator);

}  // namespace rehai

#endif  // TESTS_FUZZ_PROPERTY_H_
