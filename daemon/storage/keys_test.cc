#include "daemon/storage/keys.h"

#include <algorithm>
#include <set>
#include <vector>

#include "daemon/base/rng.h"
#include "gtest/gtest.h"

namespace parley::storage {
namespace {

using model::ChangeSeq;
using model::ClientMessageId;
using model::MessageId;
using model::OutboxSeq;
using model::RoomId;
using model::UserId;

base::WallTime At(int64_t ms) { return absl::FromUnixMillis(ms); }

// Names that a layout could confuse, in their order.
std::vector<std::string> AwkwardNames() {
  std::vector<std::string> names = {
      std::string("\0", 1),
      std::string("\0\0", 2),
      std::string("\0\1", 2),
      "\1",
      "\1\1",
      "\1\2",
      "\2",
      "a",
      std::string("a\0", 2),
      "a\1",
      "a\2",
      "a\1\1",
      "a b",
      "ab",
      "a\xff",
      "\xff",
      "b",
      "\xff\xff",
      "",
      "room",
      "room:1",
  };
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> OneKeyOfEachTable() {
  const RoomId room("general");
  const ClientMessageId client_id("c-1");
  return {MetaKey(MetaField::kStoreId),
          RoomKey(room),
          OutboxRoomKey(room),
          QueuedKey(room, OutboxSeq(7)),
          FailedKey(room, OutboxSeq(8)),
          OutboxIndexKey(client_id),
          ExpiryKey(At(1000), client_id),
          SentKey(client_id),
          SettledKey(At(2000), client_id),
          MessageKey(room, {9, 10}),
          MessageIdKey(MessageId("m-1")),
          MessageSenderKey(UserId("alice"), client_id),
          RoomMessagesKey(room),
          DeliveryKey(client_id),
          FeedKey(ChangeSeq(11)),
          TombstoneKey(ChangeSeq(12)),
          SyncCursorKey(room)};
}

TEST(KeysTest, EachKeyLiesInItsTableAndNoOther) {
  std::set<std::string> keys;
  for (const std::string& key : OneKeyOfEachTable()) {
    keys.insert(key);
    int tables = 0;
    for (int table = 1; table <= 0x11; ++table) {
      const KeyRange range = TableRange(static_cast<Table>(table));
      tables += range.begin <= key && key < range.end;
    }
    EXPECT_EQ(tables, 1) << DescribeKey(key);
  }
  EXPECT_EQ(keys.size(), 17u);
}

TEST(KeysTest, ParsingReturnsTheComponents) {
  const auto position = ParseKey(MessageKey(RoomId("a\1b"), {9, 10}));
  ASSERT_TRUE(position.has_value());
  EXPECT_EQ(position->table, Table::kMessages);
  EXPECT_EQ(position->room, RoomId("a\1b"));
  EXPECT_EQ(position->number, 9u);
  EXPECT_EQ(position->tie, 10u);

  const auto sender =
      ParseKey(MessageSenderKey(UserId("alice"), ClientMessageId("c-1")));
  ASSERT_TRUE(sender.has_value());
  EXPECT_EQ(sender->sender, UserId("alice"));
  EXPECT_EQ(sender->client_id, ClientMessageId("c-1"));

  const auto expiry = ParseKey(ExpiryKey(At(-5), ClientMessageId("c-1")));
  ASSERT_TRUE(expiry.has_value());
  EXPECT_EQ(expiry->time, At(-5));
  EXPECT_EQ(expiry->client_id, ClientMessageId("c-1"));

  const auto id = ParseKey(MessageIdKey(MessageId("m-1")));
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(id->message_id, MessageId("m-1"));

  const auto meta = ParseKey(MetaKey(MetaField::kFeedEpochs));
  ASSERT_TRUE(meta.has_value());
  EXPECT_EQ(meta->field, MetaField::kFeedEpochs);

  const auto feed = ParseKey(FeedKey(ChangeSeq(1) /* the first */));
  ASSERT_TRUE(feed.has_value());
  EXPECT_EQ(feed->number, 1u);
}

TEST(KeysTest, NamesKeepTheirOrderAndComeBack) {
  const std::vector<std::string> names = AwkwardNames();
  std::string last;
  for (const std::string& name : names) {
    const std::string key = RoomKey(RoomId(name));
    EXPECT_LT(last, key);
    last = key;
    const auto parsed = ParseKey(key);
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->room.value(), name);
  }
}

TEST(KeysTest, ARoomsRangeHoldsItsRowsAndNoOthers) {
  const std::vector<std::string> names = AwkwardNames();
  for (const std::string& name : names) {
    const KeyRange range = RoomRange(Table::kOutboxQueued, RoomId(name));
    for (const std::string& other : names) {
      for (const uint64_t seq : {uint64_t{0}, uint64_t{1}, UINT64_MAX}) {
        const std::string key = QueuedKey(RoomId(other), OutboxSeq(seq));
        EXPECT_EQ(range.begin <= key && key < range.end, name == other);
      }
    }
  }
}

TEST(KeysTest, NoKeyOfANameIsThePrefixOfAnother) {
  const std::vector<std::string> names = AwkwardNames();
  for (const std::string& a : names) {
    for (const std::string& b : names) {
      if (a == b) continue;
      const std::string key = RoomKey(RoomId(a));
      EXPECT_NE(RoomKey(RoomId(b)).substr(0, key.size()), key);
    }
  }
}

// ("a", NUL "b") and ("a" NUL, "b") are different senders.
TEST(KeysTest, ASenderIsNotConfusedWithAClientId) {
  EXPECT_NE(MessageSenderKey(UserId("a"), ClientMessageId("bc")),
            MessageSenderKey(UserId("ab"), ClientMessageId("c")));
  EXPECT_NE(
      MessageSenderKey(UserId(std::string("a\0b", 3)), ClientMessageId("c")),
      MessageSenderKey(UserId("a"), ClientMessageId(std::string("b\0c", 3))));
}

TEST(KeysTest, NumbersAndTimesSortAsSuch) {
  const RoomId room("r");
  EXPECT_LT(QueuedKey(room, OutboxSeq(255)), QueuedKey(room, OutboxSeq(256)));
  EXPECT_LT(QueuedKey(room, OutboxSeq(1)),
            QueuedKey(room, OutboxSeq(1ull << 40)));
  EXPECT_LT(MessageKey(room, {1, 9}), MessageKey(room, {2, 0}));
  EXPECT_LT(MessageKey(room, {UINT64_MAX - 1, UINT64_MAX}),
            MessageKey(room, {MessagePosition::kLocalOrder, 0}));
  const ClientMessageId id("c");
  EXPECT_LT(ExpiryKey(At(-1), id), ExpiryKey(At(0), id));
  EXPECT_LT(ExpiryKey(At(255), id), ExpiryKey(At(256), id));
  EXPECT_LT(ExpiryKey(absl::InfinitePast(), id), ExpiryKey(At(-1), id));
  EXPECT_LT(ExpiryKey(At(1772366400000), id),
            ExpiryKey(absl::InfiniteFuture(), id));
}

TEST(KeysTest, KeyAfterIsTheNextKey) {
  EXPECT_LT(std::string("ab"), KeyAfter("ab"));
  EXPECT_EQ(KeyAfter("ab"), std::string("ab\0", 3));
}

TEST(KeysTest, WhatIsNoKeyDoesNotParse) {
  EXPECT_FALSE(ParseKey("").has_value());
  EXPECT_FALSE(ParseKey(std::string("\0", 1)).has_value());
  EXPECT_FALSE(ParseKey("\x11").has_value());
  for (const std::string& key : OneKeyOfEachTable()) {
    ASSERT_TRUE(ParseKey(key).has_value()) << DescribeKey(key);
    const Table table = ParseKey(key)->table;
    if (table != Table::kOutboxIndex && table != Table::kExpiry &&
        table != Table::kSent && table != Table::kSettled &&
        table != Table::kMessageIds && table != Table::kMessageSenders &&
        table != Table::kDeliveries) {
      EXPECT_FALSE(ParseKey(key.substr(0, key.size() - 1)).has_value())
          << DescribeKey(key);
      EXPECT_FALSE(ParseKey(key + "x").has_value()) << DescribeKey(key);
    }
  }
  // An escape that nothing writes.
  EXPECT_FALSE(ParseKey(std::string("\x02\x01\x03\x00", 4)).has_value());
  EXPECT_FALSE(ParseKey("\x02\x01").has_value());
}

TEST(KeysTest, AnyBytesAreDescribedOnOnePrintableLine) {
  base::Rng rng(7);
  for (int i = 0; i < 2000; ++i) {
    std::string key(rng.Below(40), '\0');
    for (char& c : key)
      c = static_cast<char>(rng.Below(rng.OneIn(2) ? 20 : 256));
    const std::string text = DescribeKey(key);
    EXPECT_FALSE(text.empty());
    for (const char c : text) EXPECT_TRUE(c >= ' ' && c <= '~') << text;
  }
}

TEST(KeysTest, DescriptionsNameTheTableAndTheIdentifiers) {
  EXPECT_EQ(DescribeKey(MetaKey(MetaField::kBinding)), "meta: account");
  EXPECT_EQ(DescribeKey(QueuedKey(RoomId("a\nb"), OutboxSeq(7))),
            "queued entry room \"a\\nb\" seq 7");
  EXPECT_EQ(DescribeKey(MessageKey(RoomId("general"), {3, 4})),
            "message room \"general\" position 3/4");
  EXPECT_EQ(DescribeKey(SettledKey(At(0), ClientMessageId("c-1"))),
            "settled index client id \"c-1\" at "
            "1970-01-01T00:00:00+00:00");
  EXPECT_EQ(DescribeKey(FeedKey(ChangeSeq(5))), "change seq 5");
  EXPECT_EQ(DescribeKey("\xff\x01"), "unknown key 0xff01");
}

}  // namespace
}  // namespace parley::storage
