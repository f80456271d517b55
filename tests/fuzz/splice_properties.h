// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FUZZ_SPLICE_PROPERTIES_H_
#define TESTS_FUZZ_SPLICE_PROPERTIES_H_

#include <string>

#include "absl/strings/string_view.h"

namespace rehai::chef {

// Splices subtrees into a document, both taken from `input`, and says which of
// these does not hold; empty if all do:
//   - what a lenient parser takes for a JSON object is taken;
//   - the result is a document, and every foreign byte is in it, in its order;
//   - it holds the subtrees, and shows no difference to them;
//   - the same splice again changes nothing;
//   - with the subtrees taken out again, the foreign bytes are still there.
//
// Until its first line break `input` says what to splice, one letter for each
// subtree: lower case puts it there, upper case takes it out. The rest is the
// document.
std::string BrokenSpliceProperty(absl::string_view input);

}  // namespace rehai::chef

#endif  // TESTS_FUZZ_SPLICE_PROPERTIES_H_
