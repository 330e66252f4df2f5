#include "daemon/rpc/watch_cursor.h"

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/model/errors.h"
#include "daemon/model/limits.h"
#include "daemon/rpc/testing/test_store.h"
#include "gtest/gtest.h"

namespace parley::rpc {
namespace {

constexpr absl::Duration kBookmarkAfter = absl::Minutes(1);

class WatchCursorTest : public ::testing::Test {
 protected:
  static WatchCursor Watch(const std::string& token = "",
                           storage::ChangeFilter filter = {
                               model::Only(model::ObjectKind::kRoom), {}}) {
    auto cursor = WatchCursor::Create(std::move(filter), token, kBookmarkAfter);
    EXPECT_TRUE(cursor.ok()) << cursor.status();
    return *std::move(cursor);
  }

  std::optional<WatchCursor::Batch> Next(WatchCursor* cursor) {
    ReadRound round(&store_, now_);
    auto batch = cursor->Next(&round);
    EXPECT_TRUE(batch.ok()) << batch.status();
    return batch.ok() ? *std::move(batch) : std::nullopt;
  }

  // The rooms told, "-name" for one that is gone, until there is nothing more.
  std::vector<std::string> Drain(WatchCursor* cursor) {
    std::vector<std::string> names;
    while (const auto batch = Next(cursor)) {
      if (batch->page == nullptr) continue;
      for (const model::Change& change : batch->page->changes) {
        if (!cursor->IsNews(change)) continue;
        if (const auto* room = std::get_if<model::Room>(&change.object)) {
          names.push_back(room->room.value());
        } else if (const auto* gone =
                       std::get_if<model::Tombstone>(&change.object)) {
          names.push_back(absl::StrCat("-", gone->room.value()));
        }
      }
    }
    return names;
  }

  void RemoveRoom(const std::string& name) {
    store_.Write([&](storage::Tables& tables) {
      ASSERT_TRUE(tables.RemoveRoom(model::RoomId(name)).ok());
    });
  }

  TestStore store_;
  base::MonotonicTime now_{absl::Seconds(100)};
};

using Names = std::vector<std::string>;

TEST_F(WatchCursorTest, EmptyStoreIsCaughtUpAtOnce) {
  WatchCursor cursor = Watch();
  const auto batch = Next(&cursor);
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(batch->page, nullptr);
  EXPECT_TRUE(batch->caught_up);
  EXPECT_TRUE(batch->fresh);
  EXPECT_FALSE(batch->resume_token.empty());
  EXPECT_FALSE(Next(&cursor).has_value());
}

TEST_F(WatchCursorTest, SnapshotThenCaughtUpThenChanges) {
  store_.PutRoom("a");
  store_.PutRoom("b");
  WatchCursor cursor = Watch();

  auto batch = Next(&cursor);
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(batch->page->changes.size(), 2u);
  EXPECT_TRUE(batch->fresh);
  EXPECT_FALSE(batch->caught_up);
  EXPECT_TRUE(cursor.has_more());

  batch = Next(&cursor);
  ASSERT_TRUE(batch.has_value());
  EXPECT_TRUE(batch->caught_up);
  EXPECT_FALSE(batch->fresh);
  EXPECT_FALSE(cursor.has_more());
  EXPECT_FALSE(Next(&cursor).has_value());

  store_.PutRoom("c");
  batch = Next(&cursor);
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(batch->page->changes.size(), 1u);
  EXPECT_FALSE(batch->caught_up);
  EXPECT_FALSE(Next(&cursor).has_value());
}

TEST_F(WatchCursorTest, ResumesWhereATokenSays) {
  store_.PutRoom("a");
  store_.PutRoom("b");
  WatchCursor first = Watch();
  EXPECT_EQ(Drain(&first), (Names{"a", "b"}));

  store_.PutRoom("b", model::JoinState::kFailed);
  store_.PutRoom("c");
  RemoveRoom("a");
  WatchCursor second = Watch(first.told_token());
  const auto batch = Next(&second);
  ASSERT_TRUE(batch.has_value());
  EXPECT_FALSE(batch->fresh);
  EXPECT_EQ(batch->page->changes.size(), 3u);
  EXPECT_TRUE(Next(&second)->caught_up);

  // Each batch's token resumes behind it.
  WatchCursor third = Watch(batch->resume_token);
  EXPECT_EQ(Drain(&third), Names{});
}

TEST_F(WatchCursorTest, TokenOfAnotherStoreStartsAfresh) {
  TestStore other("store-2");
  other.PutRoom("x");
  WatchCursor elsewhere = Watch();
  ReadRound round(&other, now_);
  ASSERT_TRUE(elsewhere.Next(&round).ok());

  store_.PutRoom("a");
  WatchCursor cursor = Watch(elsewhere.told_token());
  const auto batch = Next(&cursor);
  ASSERT_TRUE(batch.has_value());
  EXPECT_TRUE(batch->fresh);
  EXPECT_EQ(batch->page->changes.size(), 1u);
}

TEST_F(WatchCursorTest, TokenIsGoodAfterARestart) {
  store_.PutRoom("a");
  WatchCursor first = Watch();
  Drain(&first);
  store_.Reopen();
  store_.PutRoom("b");
  WatchCursor second = Watch(first.told_token());
  EXPECT_FALSE(Next(&second)->fresh);
}

TEST_F(WatchCursorTest, TokenForWhatACrashTookAwayStartsAfresh) {
  store_.PutRoom("a");
  ASSERT_TRUE(store_.store().Sync().ok());
  store_.PutRoom("lost");
  WatchCursor cursor = Watch();
  EXPECT_EQ(Drain(&cursor), (Names{"a", "lost"}));

  store_.store().DropUnsynced();
  store_.Reopen();
  store_.PutRoom("b");
  // Also for a stream that never ended.
  const auto batch = Next(&cursor);
  ASSERT_TRUE(batch.has_value());
  EXPECT_TRUE(batch->fresh);
  EXPECT_EQ(Drain(&cursor), Names{});
  WatchCursor again = Watch(cursor.told_token());
  EXPECT_FALSE(Next(&again)->fresh);
}

TEST_F(WatchCursorTest, PlaceBehindDroppedTombstonesStartsAfresh) {
  store_.PutRoom("old");
  store_.PutRoom("kept");
  WatchCursor cursor = Watch();
  EXPECT_EQ(Drain(&cursor), (Names{"old", "kept"}));
  RemoveRoom("old");
  store_.Write([](storage::Tables& tables) {
    for (uint64_t i = 0; i < model::kMaxTombstones; ++i) {
      model::Room room;
      room.room = model::RoomId("passing");
      ASSERT_TRUE(tables.PutRoom(&room).ok());
      ASSERT_TRUE(tables.RemoveRoom(room.room).ok());
    }
  });
  const auto batch = Next(&cursor);
  ASSERT_TRUE(batch.has_value());
  EXPECT_TRUE(batch->fresh);
  ASSERT_NE(batch->page, nullptr);
  ASSERT_FALSE(batch->page->changes.empty());
  EXPECT_EQ(std::get<model::Room>(batch->page->changes[0].object).room.value(),
            "kept");
  // Whoever started afresh is told when the snapshot is complete.
  bool caught_up = false;
  while (const auto next = Next(&cursor)) {
    caught_up = caught_up || next->caught_up;
  }
  EXPECT_TRUE(caught_up);
}

TEST_F(WatchCursorTest, SnapshotLeavesOutWhatWasGone) {
  store_.PutRoom("gone");
  store_.PutRoom("kept");
  RemoveRoom("gone");
  WatchCursor cursor = Watch();
  EXPECT_EQ(Drain(&cursor), Names{"kept"});
  RemoveRoom("kept");
  EXPECT_EQ(Drain(&cursor), Names{"-kept"});

  // Nor is there a batch about nothing else.
  WatchCursor later = Watch();
  const auto batch = Next(&later);
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(batch->page, nullptr);
  EXPECT_TRUE(batch->fresh);
  EXPECT_TRUE(batch->caught_up);
}

TEST_F(WatchCursorTest, WhatGoesWhileTheSnapshotIsReadIsTold) {
  store_.PutRoom("told");
  const std::string text(64 * 1024, 'x');
  for (uint64_t i = 1; i <= 20; ++i) store_.PutMessage("r", i, text);
  WatchCursor cursor = Watch("", {model::Only(model::ObjectKind::kRoom) |
                                      model::Only(model::ObjectKind::kMessage),
                                  {}});
  const auto batch = Next(&cursor);
  ASSERT_TRUE(batch.has_value());
  EXPECT_TRUE(
      std::holds_alternative<model::Room>(batch->page->changes.front().object));
  EXPECT_TRUE(cursor.has_more());
  RemoveRoom("told");
  EXPECT_EQ(Drain(&cursor), Names{"-told"});
}

TEST_F(WatchCursorTest, PagesAreBounded) {
  const std::string text(64 * 1024, 'x');
  for (uint64_t i = 1; i <= 20; ++i) store_.PutMessage("r", i, text);
  WatchCursor cursor =
      Watch("", {model::Only(model::ObjectKind::kMessage), {}});
  size_t pages = 0;
  size_t messages = 0;
  while (const auto batch = Next(&cursor)) {
    if (batch->page == nullptr) continue;
    ++pages;
    messages += batch->page->changes.size();
    EXPECT_LE(batch->page->changes.size(),
              model::kMaxChangePageBytes / text.size());
  }
  EXPECT_EQ(messages, 20u);
  EXPECT_GE(pages, 5u);
}

TEST_F(WatchCursorTest, FilteredWatcherGetsABookmarkOnceAMinute) {
  WatchCursor cursor = Watch();
  Drain(&cursor);
  const std::string before = cursor.told_token();
  EXPECT_FALSE(cursor.bookmark_pending());

  store_.PutMessage("r", 1, "not for this watcher");
  EXPECT_FALSE(Next(&cursor).has_value());
  EXPECT_TRUE(cursor.bookmark_pending());
  now_ = now_ + (kBookmarkAfter - absl::Milliseconds(1));
  store_.PutMessage("r", 2, "nor this");
  EXPECT_FALSE(Next(&cursor).has_value());

  now_ = now_ + absl::Milliseconds(1);
  const auto batch = Next(&cursor);
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(batch->page, nullptr);
  EXPECT_FALSE(batch->caught_up);
  EXPECT_FALSE(batch->fresh);
  EXPECT_NE(batch->resume_token, before);
  EXPECT_FALSE(cursor.bookmark_pending());
  EXPECT_FALSE(Next(&cursor).has_value());
}

TEST_F(WatchCursorTest, ALongFeedOfOtherThingsIsReadInPieces) {
  store_.PutMessage("r", 1, "a needle");
  store_.Write([](storage::Tables& tables) {
    for (size_t i = 0; i < 2 * storage::kMaxChangeRowsPerPage; ++i) {
      model::Room room;
      room.room = model::RoomId(absl::StrCat("room", i));
      ASSERT_TRUE(tables.PutRoom(&room).ok());
    }
  });
  store_.PutMessage("r", 2, "another");
  WatchCursor cursor =
      Watch("", {model::Only(model::ObjectKind::kMessage), {}});
  std::vector<size_t> sizes;
  bool caught_up = false;
  while (!caught_up) {
    const auto batch = Next(&cursor);
    ASSERT_TRUE(batch.has_value());
    EXPECT_EQ(batch->fresh, sizes.empty());
    sizes.push_back(batch->page == nullptr ? 0 : batch->page->changes.size());
    caught_up = batch->caught_up;
    EXPECT_EQ(cursor.has_more(), !caught_up);
  }
  EXPECT_EQ(sizes, (std::vector<size_t>{1, 0, 1, 0}));
}

TEST_F(WatchCursorTest, ATokenThatNeverWasOneIsRefused) {
  for (const char* text :
       {"x", "!!", "AAAA", "gibberish-gibberish-gibberish"}) {
    const auto cursor = WatchCursor::Create({}, text, kBookmarkAfter);
    EXPECT_EQ(model::ErrorFieldOf(cursor.status()), "resume_token") << text;
  }
}

TEST_F(WatchCursorTest, AStoreThatIsDownIsAnError) {
  WatchCursor cursor = Watch();
  store_.SetDown(absl::UnavailableError("down"));
  ReadRound round(&store_, now_);
  EXPECT_EQ(cursor.Next(&round).status().message(), "down");
}

// Counts snapshots, to see what many watchers cost.
class CountingAccess final : public StoreAccess {
 public:
  explicit CountingAccess(StoreAccess* store) : store_(store) {}
  absl::StatusOr<std::unique_ptr<storage::StoreReader>> NewSnapshot() override {
    ++snapshots;
    return store_->NewSnapshot();
  }
  int snapshots = 0;

 private:
  StoreAccess* const store_;
};

TEST_F(WatchCursorTest, WatchersOfARoundShareWhatTheyRead) {
  std::vector<WatchCursor> cursors(100, Watch());
  for (WatchCursor& cursor : cursors) Drain(&cursor);
  store_.PutRoom("a");

  CountingAccess counting(&store_);
  ReadRound round(&counting, now_);
  std::shared_ptr<const storage::ChangePage> page;
  for (WatchCursor& cursor : cursors) {
    const auto batch = cursor.Next(&round);
    ASSERT_TRUE(batch.ok() && batch->has_value());
    if (page == nullptr) page = (*batch)->page;
    EXPECT_EQ((*batch)->page, page);
  }
  EXPECT_EQ(counting.snapshots, 1);
}

}  // namespace
}  // namespace parley::rpc
