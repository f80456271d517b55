// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/state/waiting_state.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace rehai {
namespace {

v1::StoredHost Host(const std::string& node, int64_t revision) {
  v1::StoredHost host;
  host.mutable_record()->set_node(node);
  host.mutable_record()->set_revision(revision);
  return host;
}

v1::StoredNode Node(const std::string& name, const std::string& digest) {
  v1::StoredNode node;
  node.set_node(name);
  node.set_digest(digest);
  return node;
}

v1::HistoryEvent Event(int64_t revision) {
  v1::HistoryEvent event;
  event.set_revision(revision);
  return event;
}

TEST(WaitingStateTest, NewestOfEachWaits) {
  WaitingState waiting;
  waiting.Put(Host("a", 1));
  waiting.Put(Host("a", 3));
  waiting.Put(Host("b", 2));
  waiting.Put(Node("a", "old"));
  waiting.Put(Node("a", "new"));
  EXPECT_EQ(waiting.size(), 3u);
  EXPECT_EQ(waiting.hosts().at("a")->record().revision(), 3);
  EXPECT_EQ(waiting.nodes().at("a")->digest(), "new");
}

TEST(WaitingStateTest, OlderRevisionOfAHostThatComesLaterIsNotTaken) {
  WaitingState waiting;
  waiting.Put(Host("a", 3));
  waiting.Put(Host("a", 1));
  EXPECT_EQ(waiting.hosts().at("a")->record().revision(), 3);
}

TEST(WaitingStateTest, RemovedHostGoesWithItsNodeAndMayReturn) {
  WaitingState waiting;
  waiting.Put(Host("a", 3));
  waiting.Put(Node("a", "x"));
  waiting.Remove(HostId{"a"});
  EXPECT_FALSE(waiting.hosts().at("a").has_value());
  EXPECT_FALSE(waiting.nodes().at("a").has_value());
  waiting.Put(Host("a", 5));
  EXPECT_EQ(waiting.hosts().at("a")->record().revision(), 5);
}

TEST(WaitingStateTest, WhatIsPutBackYieldsToWhatCameLater) {
  WaitingState older;
  older.Put(Host("a", 1));
  older.Put(Host("b", 1));
  older.Put(Node("a", "old"));
  older.Append(Event(1));
  WaitingState waiting;
  waiting.Put(Host("a", 2));
  waiting.Remove(HostId{"c"});
  waiting.Append(Event(2));
  waiting.PutBack(std::move(older));
  EXPECT_EQ(waiting.hosts().at("a")->record().revision(), 2);
  EXPECT_EQ(waiting.hosts().at("b")->record().revision(), 1);
  EXPECT_EQ(waiting.nodes().at("a")->digest(), "old");
  ASSERT_EQ(waiting.history().size(), 2u);
  EXPECT_EQ(waiting.history()[0].revision(), 1);
}

TEST(WaitingStateTest, OldestEventsAreDroppedAndCounted) {
  WaitingState older;
  WaitingState waiting;
  const auto most = static_cast<int64_t>(WaitingState::kMostEvents);
  for (int64_t i = 0; i <= most; ++i) older.Append(Event(i));
  EXPECT_EQ(older.history().front().revision(), 1);
  EXPECT_EQ(older.dropped(), 1);
  waiting.Append(Event(most + 1));
  waiting.PutBack(std::move(older));
  EXPECT_EQ(waiting.history().size(), WaitingState::kMostEvents);
  EXPECT_EQ(waiting.history().front().revision(), 2);
  EXPECT_EQ(waiting.history().back().revision(), most + 1);
  EXPECT_EQ(waiting.dropped(), 2);
}

}  // namespace
}  // namespace rehai
