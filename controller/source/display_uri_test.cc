// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/display_uri.h"

#include <gtest/gtest.h>

namespace rehai {
namespace {

TEST(DisplayUriTest, ShowsWhereAndHidesSecrets) {
  const struct {
    const char* uri;
    const char* shown;
  } cases[] = {
      {"qemu+ssh://root@hv1.example.com/system",
       "qemu+ssh://root@hv1.example.com/system"},
      {"qemu+ssh://root@hv1:2222/system?keyfile=/k&no_tty=1",
       "qemu+ssh://root@hv1:2222/system"},
      {"qemu+ssh://root:secret@hv1/system", "qemu+ssh://root@hv1/system"},
      {"qemu+ssh://root:s@c?r#t@hv1/system", "qemu+ssh://root@hv1/system"},
      {"qemu+ssh://:secret@hv1/system", "qemu+ssh://@hv1/system"},
      {"qemu+ssh://root@[2001:db8::1]:22/system",
       "qemu+ssh://root@[2001:db8::1]:22/system"},
      {"test+unix:///default?socket=/run/x", "test+unix:///default"},
      {"test:///path/with@sign:and/colon", "test:///path/with@sign:and/colon"},
      {"qemu+ssh://hv1", "qemu+ssh://hv1"},
      {"not a uri?secret", "not a uri"},
      {"", ""},
  };
  for (const auto& c : cases) EXPECT_EQ(DisplayUri(c.uri), c.shown);
}

}  // namespace
}  // namespace rehai
