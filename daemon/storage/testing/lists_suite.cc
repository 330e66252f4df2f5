#include <string>
#include <vector>

#include "daemon/storage/queries.h"
#include "daemon/storage/testing/samples.h"
#include "daemon/storage/testing/status_testing.h"
#include "daemon/storage/testing/suites.h"

namespace parley::storage {
namespace {

using model::ClientMessageId;
using model::MessageId;
using model::OutboxSeq;
using model::RoomId;
using model::UserId;

using Names = std::vector<std::string>;

Names IdsOf(const MessagePage& page) {
  Names ids;
  for (const model::MessageView& view : page.messages) {
    ids.push_back(view.message.id.value());
  }
  return ids;
}

Names ClientIdsOf(const OutboxPage& page) {
  Names ids;
  for (const model::OutboxEntry& entry : page.entries) {
    ids.push_back(entry.client_id.value());
  }
  return ids;
}

TEST_P(ListsTest, MessagesArePagedInBothDirections) {
  for (int i = 1; i <= 9; ++i) {
    model::Message message = MakeMessage("a", "m-" + std::to_string(i), i);
    ASSERT_OK(tables().PutMessage(&message, std::nullopt));
  }
  Commit();
  const auto snapshot = store()->NewSnapshot();
  ASSERT_OK_AND_ASSIGN(MessagePage page,
                       ListMessages(*snapshot, RoomId("a"), {}, 3));
  EXPECT_EQ(IdsOf(page), (Names{"m-7", "m-8", "m-9"}));
  EXPECT_TRUE(page.has_older);
  EXPECT_FALSE(page.has_newer);

  MessageRange range;
  range.before = MessageId("m-3");
  ASSERT_OK_AND_ASSIGN(page, ListMessages(*snapshot, RoomId("a"), range, 3));
  EXPECT_EQ(IdsOf(page), (Names{"m-1", "m-2"}));
  EXPECT_FALSE(page.has_older);
  EXPECT_TRUE(page.has_newer);

  range = {};
  range.after = MessageId("m-3");
  ASSERT_OK_AND_ASSIGN(page, ListMessages(*snapshot, RoomId("a"), range, 3));
  EXPECT_EQ(IdsOf(page), (Names{"m-4", "m-5", "m-6"}));
  EXPECT_TRUE(page.has_older);
  EXPECT_TRUE(page.has_newer);

  range.after = MessageId("m-9");
  ASSERT_OK_AND_ASSIGN(page, ListMessages(*snapshot, RoomId("a"), range, 3));
  EXPECT_EQ(IdsOf(page), Names());
  EXPECT_FALSE(page.has_newer);
}

TEST_P(ListsTest, AMessageRangeNeedsAMessageOfThatRoom) {
  model::Message message = MakeMessage("a", "m-1", 1);
  ASSERT_OK(tables().PutMessage(&message, std::nullopt));
  MessageRange range;
  range.before = MessageId("m-1");
  EXPECT_EQ(ListMessages(staged(), RoomId("b"), range, 3).status().code(),
            absl::StatusCode::kNotFound);
  range.before = MessageId("m-2");
  EXPECT_EQ(ListMessages(staged(), RoomId("a"), range, 3).status().code(),
            absl::StatusCode::kNotFound);
  range.after = MessageId("m-1");
  EXPECT_EQ(ListMessages(staged(), RoomId("a"), range, 3).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_P(ListsTest, OwnMessagesShowTheirDelivery) {
  tables().PutBinding({"ws://host:80", UserId("alice")});
  model::Message mine = MakeEcho("a", "c-1");
  model::Message theirs = MakeMessage("a", "m-1", 1);
  theirs.client_id = ClientMessageId("c-1");
  model::Delivery delivery = MakeDelivery("a", "c-1");
  delivery.state = model::DeliveryState::kSending;
  ASSERT_OK(tables().PutMessage(&mine, OutboxSeq(1)));
  ASSERT_OK(tables().PutMessage(&theirs, std::nullopt));
  ASSERT_OK(tables().PutDelivery(&delivery));
  ASSERT_OK_AND_ASSIGN(const MessagePage page,
                       ListMessages(staged(), RoomId("a"), {}, 10));
  ASSERT_EQ(page.messages.size(), 2u);
  EXPECT_EQ(page.messages[0].delivery, std::nullopt);
  EXPECT_EQ(page.messages[1].delivery, model::DeliveryState::kSending);
}

TEST_P(ListsTest, PagesEndEarlyWhenTextsAreLong) {
  for (int i = 1; i <= 40; ++i) {
    model::Message message = MakeMessage("a", "m-" + std::to_string(i), i);
    message.content.text = std::string(64 * 1024, 'x');
    ASSERT_OK(tables().PutMessage(&message, std::nullopt));
    model::OutboxEntry entry = MakeEntry("a", i, "c-" + std::to_string(i));
    entry.content.text = message.content.text;
    ASSERT_OK(tables().PutOutboxEntry(&entry));
    Commit();
  }
  ASSERT_OK_AND_ASSIGN(const MessagePage page,
                       ListMessages(staged(), RoomId("a"), {}, 40));
  EXPECT_EQ(page.messages.size(), 16u);
  EXPECT_EQ(page.messages.back().message.id, MessageId("m-40"));
  EXPECT_TRUE(page.has_older);

  model::OutboxRoom room;
  room.room = RoomId("a");
  room.queued = 40;
  tables().PutOutboxRoom(room);
  ASSERT_OK_AND_ASSIGN(const OutboxPage outbox,
                       ListOutbox(staged(), {}, "", 40));
  EXPECT_EQ(outbox.entries.size(), 16u);
  EXPECT_NE(outbox.next, "");
}

TEST_P(ListsTest, RoomsArePagedByName) {
  for (const std::string name : {"c", "a", "b"}) {
    model::Room room = MakeRoom(name);
    ASSERT_OK(tables().PutRoom(&room));
  }
  Commit();
  ASSERT_OK_AND_ASSIGN(RoomPage page, ListRooms(*store(), std::nullopt, 2));
  ASSERT_EQ(page.rooms.size(), 2u);
  EXPECT_EQ(page.rooms[0].room, RoomId("a"));
  EXPECT_EQ(page.next, RoomId("c"));
  ASSERT_OK_AND_ASSIGN(page, ListRooms(*store(), page.next, 2));
  ASSERT_EQ(page.rooms.size(), 1u);
  EXPECT_EQ(page.rooms[0].room, RoomId("c"));
  EXPECT_EQ(page.next, std::nullopt);
  ASSERT_OK_AND_ASSIGN(const auto room, GetRoom(*store(), RoomId("b")));
  EXPECT_TRUE(room.has_value());
  ASSERT_OK_AND_ASSIGN(const auto none, GetRoom(*store(), RoomId("d")));
  EXPECT_FALSE(none.has_value());
}

// Two queued and one failed in each of two rooms, and a room that is idle.
class OutboxOfTwoRooms {
 public:
  explicit OutboxOfTwoRooms(Tables* tables) {
    for (const std::string room : {"a", "b"}) {
      for (const uint64_t seq : {4, 5, 6}) {
        model::OutboxEntry entry =
            MakeEntry(room, seq, room + std::to_string(seq));
        if (seq == 5) entry.state = model::OutboxState::kFailed;
        EXPECT_OK(tables->PutOutboxEntry(&entry));
      }
      model::OutboxRoom counters;
      counters.room = RoomId(room);
      counters.head_seq = OutboxSeq(4);
      counters.next_seq = OutboxSeq(7);
      counters.queued = 2;
      counters.failed = 1;
      tables->PutOutboxRoom(counters);
    }
    model::OutboxRoom idle;
    idle.room = RoomId("aa");
    tables->PutOutboxRoom(idle);
  }
};

TEST_P(ListsTest, TheOutboxIsListedQueuedFirstWhateverThePage) {
  const OutboxOfTwoRooms outbox(&tables());
  Commit();
  for (size_t limit = 1; limit <= 7; ++limit) {
    Names names;
    std::string from;
    do {
      ASSERT_OK_AND_ASSIGN(const OutboxPage page,
                           ListOutbox(*store(), {}, from, limit));
      EXPECT_LE(page.entries.size(), limit);
      EXPECT_FALSE(page.entries.empty());
      for (const std::string& name : ClientIdsOf(page)) names.push_back(name);
      from = page.next;
    } while (!from.empty());
    EXPECT_EQ(names, (Names{"a4", "a6", "b4", "b6", "a5", "b5"})) << limit;
  }
}

TEST_P(ListsTest, TheOutboxIsFiltered) {
  const OutboxOfTwoRooms outbox(&tables());
  OutboxFilter filter;
  filter.room = RoomId("b");
  ASSERT_OK_AND_ASSIGN(OutboxPage page, ListOutbox(staged(), filter, "", 9));
  EXPECT_EQ(ClientIdsOf(page), (Names{"b4", "b6", "b5"}));
  filter.failed_only = true;
  ASSERT_OK_AND_ASSIGN(page, ListOutbox(staged(), filter, "", 9));
  EXPECT_EQ(ClientIdsOf(page), (Names{"b5"}));
  filter.room.reset();
  ASSERT_OK_AND_ASSIGN(page, ListOutbox(staged(), filter, "", 9));
  EXPECT_EQ(ClientIdsOf(page), (Names{"a5", "b5"}));
  filter.room = RoomId("none");
  ASSERT_OK_AND_ASSIGN(page, ListOutbox(staged(), filter, "", 9));
  EXPECT_TRUE(page.entries.empty());
}

TEST_P(ListsTest, APageTokenMustBeOneOfThisList) {
  const OutboxOfTwoRooms outbox(&tables());
  OutboxFilter room_a;
  room_a.room = RoomId("a");
  ASSERT_OK_AND_ASSIGN(const OutboxPage page,
                       ListOutbox(staged(), room_a, "", 1));
  ASSERT_NE(page.next, "");
  OutboxFilter room_b;
  room_b.room = RoomId("b");
  OutboxFilter failed;
  failed.failed_only = true;
  for (const OutboxFilter& other : {room_b, failed}) {
    EXPECT_EQ(ListOutbox(staged(), other, page.next, 1).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
  for (const std::string bad : {"x", "AAAA", "!!!!", "BA=="}) {
    EXPECT_EQ(ListOutbox(staged(), {}, bad, 1).status().code(),
              absl::StatusCode::kInvalidArgument)
        << bad;
  }
  EXPECT_EQ(ListOutbox(staged(), {}, page.next + " ", 1).status().code(),
            absl::StatusCode::kInvalidArgument);
}

// The entry that a page would start with was sent meanwhile.
TEST_P(ListsTest, APageTokenOutlivesItsEntry) {
  const OutboxOfTwoRooms outbox(&tables());
  ASSERT_OK_AND_ASSIGN(const OutboxPage page, ListOutbox(staged(), {}, "", 1));
  ASSERT_OK(tables().RemoveOutboxEntry(ClientMessageId("a6")));
  ASSERT_OK_AND_ASSIGN(const OutboxPage rest,
                       ListOutbox(staged(), {}, page.next, 9));
  EXPECT_EQ(ClientIdsOf(rest), (Names{"b4", "b6", "a5", "b5"}));
}

TEST_P(ListsTest, SingleEntriesAreFound) {
  const OutboxOfTwoRooms outbox(&tables());
  ASSERT_OK(tables().PutSent(FullSentRecord()));
  Commit();
  ASSERT_OK_AND_ASSIGN(const auto entry,
                       GetOutboxEntry(*store(), ClientMessageId("b5")));
  ASSERT_TRUE(entry.has_value());
  EXPECT_EQ(entry->state, model::OutboxState::kFailed);
  ASSERT_OK_AND_ASSIGN(const auto none,
                       GetOutboxEntry(*store(), ClientMessageId("x")));
  EXPECT_FALSE(none.has_value());
  ASSERT_OK_AND_ASSIGN(const auto sent,
                       GetSentRecord(*store(), ClientMessageId("c-1")));
  EXPECT_TRUE(sent.has_value());
}

TEST_P(ListsTest, TheStoreDescribesItself) {
  tables().PutBinding({"ws://host:80", UserId("alice")});
  model::Room room = MakeRoom("a");
  ASSERT_OK(tables().PutRoom(&room));
  Commit();
  ASSERT_OK_AND_ASSIGN(const StoreInfo info, GetStoreInfo(*store()));
  EXPECT_EQ(info.store_id, "store-1");
  EXPECT_EQ(info.schema_version, 1u);
  EXPECT_EQ(info.epoch, 1u);
  EXPECT_EQ(info.server_url, "ws://host:80");
  EXPECT_EQ(info.user, UserId("alice"));
  EXPECT_EQ(info.last_change, model::ChangeSeq(1));
}

}  // namespace
}  // namespace parley::storage
