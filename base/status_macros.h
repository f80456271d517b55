// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BASE_STATUS_MACROS_H_
#define BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns the error, or goes on.
//   RETURN_IF_ERROR(Check(x));
#define RETURN_IF_ERROR(expression)                           \
  do {                                                        \
    if (absl::Status status_ = (expression); !status_.ok()) { \
      return status_;                                         \
    }                                                         \
  } while (false)

// Returns the error, or assigns the value.
//   ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
#define ASSIGN_OR_RETURN(left, expression)                                  \
  REHAI_ASSIGN_OR_RETURN_(REHAI_STATUS_CONCAT_(status_or_, __LINE__), left, \
                          expression)

#define REHAI_ASSIGN_OR_RETURN_(result, left, expression) \
  auto result = (expression);                             \
  if (!result.ok()) {                                     \
    return std::move(result).status();                    \
  }                                                       \
  left = *std::move(result)

#define REHAI_STATUS_CONCAT_(a, b) REHAI_STATUS_CONCAT_INNER_(a, b)
#define REHAI_STATUS_CONCAT_INNER_(a, b) a##b

#endif  // BASE_STATUS_MACROS_H_
