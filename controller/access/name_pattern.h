// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_ACCESS_NAME_PATTERN_H_
#define CONTROLLER_ACCESS_NAME_PATTERN_H_

#include <string>

#include "absl/strings/string_view.h"

namespace rehai {

// A name in a certificate.
struct CertificateName {
  std::string kind;  // "CN", "DNS", "URI" or "email"
  std::string value;

  // "DNS:alice.ops.example.com"
  std::string Text() const { return kind + ":" + value; }
};

// True if the pattern means this name: the same text, but that each "*" stands
// for any characters other than "." and "/", or for none. So "*.example.com"
// is one label, as in certificates of servers, and a pattern never reaches
// beyond the part it was written for. With "CN:", "DNS:", "URI:" or "email:"
// before it a pattern means names of that kind only. Upper and lower case are
// the same in DNS names alone.
bool NameMatches(absl::string_view pattern, const CertificateName& name);

}  // namespace rehai

#endif  // CONTROLLER_ACCESS_NAME_PATTERN_H_
