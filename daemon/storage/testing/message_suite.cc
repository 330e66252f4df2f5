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

// What a list shows, each message by its id or else its client id.
std::vector<std::string> Listed(const StoreReader& reader,
                                const std::string& room) {
  std::vector<std::string> names;
  const auto page = ListMessages(reader, RoomId(room), {}, 1000);
  EXPECT_OK(page);
  if (!page.ok()) return names;
  for (const model::MessageView& view : page->messages) {
    names.push_back(view.message.id.empty() ? view.message.client_id.value()
                                            : view.message.id.value());
  }
  return names;
}

using Names = std::vector<std::string>;

TEST_P(MessageTablesTest, MessagesStandInTheServersOrder) {
  for (const uint64_t seq : {3, 1, 2}) {
    model::Message message = MakeMessage("a", "m-" + std::to_string(seq), seq);
    ASSERT_OK(tables().PutMessage(&message, std::nullopt));
  }
  EXPECT_EQ(Listed(staged(), "a"), (Names{"m-1", "m-2", "m-3"}));
  Restart();
  EXPECT_EQ(Listed(*store(), "a"), (Names{"m-1", "m-2", "m-3"}));
}

TEST_P(MessageTablesTest, WithoutNumbersTheyStandByTimeThenByArrival) {
  for (const auto& [name, time] : std::vector<std::pair<std::string, int>>{
           {"late", 9000}, {"x-first", 5000}, {"b-second", 5000}}) {
    model::Message message = MakeMessage("a", name, 0);
    message.sent_at = At(time);
    ASSERT_OK(tables().PutMessage(&message, std::nullopt));
  }
  EXPECT_EQ(Listed(staged(), "a"), (Names{"x-first", "b-second", "late"}));
}

TEST_P(MessageTablesTest, ANumberGivenTwiceLeavesBothMessages) {
  for (const std::string name : {"m-1", "m-2"}) {
    model::Message message = MakeMessage("a", name, 7);
    ASSERT_OK(tables().PutMessage(&message, std::nullopt));
  }
  EXPECT_EQ(Listed(staged(), "a"), (Names{"m-1", "m-2"}));
}

TEST_P(MessageTablesTest, NoServerNumberReachesIntoTheOutbox) {
  model::Message echo = MakeEcho("a", "c-1");
  ASSERT_OK(tables().PutMessage(&echo, OutboxSeq(1)));
  model::Message message = MakeMessage("a", "m-1", UINT64_MAX);
  ASSERT_OK(tables().PutMessage(&message, std::nullopt));
  EXPECT_EQ(Listed(staged(), "a"), (Names{"m-1", "c-1"}));
}

// A server that lost its history counts from 1 again.
TEST_P(MessageTablesTest, ALaterEraStandsAfterAnEarlierOne) {
  model::Message old = MakeMessage("a", "old", 900);
  old.history_era = 1;
  model::Message timed = MakeMessage("a", "timed", 0);
  timed.history_era = 2;
  model::Message young = MakeMessage("a", "young", 1);
  young.history_era = 2;
  model::Message last = MakeMessage("a", "last", 1);
  last.history_era = UINT32_MAX;
  model::Message echo = MakeEcho("a", "echo");
  ASSERT_OK(tables().PutMessage(&echo, OutboxSeq(1)));
  for (auto* message : {&last, &young, &timed, &old}) {
    ASSERT_OK(tables().PutMessage(message, std::nullopt));
  }
  EXPECT_EQ(Listed(staged(), "a"),
            (Names{"old", "young", "timed", "last", "echo"}));
}

TEST_P(MessageTablesTest, ATimeBeforeTheEpochStandsFirst) {
  model::Message old = MakeMessage("a", "old", 0);
  old.sent_at = At(-5);
  model::Message young = MakeMessage("a", "young", 0);
  ASSERT_OK(tables().PutMessage(&young, std::nullopt));
  ASSERT_OK(tables().PutMessage(&old, std::nullopt));
  EXPECT_EQ(Listed(staged(), "a"), (Names{"old", "young"}));
}

TEST_P(MessageTablesTest, EchoesStandLastUntilTheyAreSent) {
  model::Message first = MakeEcho("a", "c-1");
  model::Message second = MakeEcho("a", "c-2");
  ASSERT_OK(tables().PutMessage(&first, OutboxSeq(1)));
  ASSERT_OK(tables().PutMessage(&second, OutboxSeq(2)));
  Commit();
  model::Message others = MakeMessage("a", "m-8", 8);
  ASSERT_OK(tables().PutMessage(&others, std::nullopt));
  EXPECT_EQ(Listed(staged(), "a"), (Names{"m-8", "c-1", "c-2"}));

  first.id = MessageId("m-9");
  first.room_seq = 9;
  ASSERT_OK(tables().PutMessage(&first, std::nullopt));
  EXPECT_EQ(Listed(staged(), "a"), (Names{"m-8", "m-9", "c-2"}));
  Restart();
  ASSERT_OK_AND_ASSIGN(const auto by_id,
                       tables().FindMessage(MessageId("m-9")));
  ASSERT_TRUE(by_id.has_value());
  EXPECT_EQ(by_id->client_id, ClientMessageId("c-1"));
  ASSERT_OK_AND_ASSIGN(
      const auto by_sender,
      tables().FindMessage(UserId("alice"), ClientMessageId("c-1")));
  ASSERT_TRUE(by_sender.has_value());
  EXPECT_TRUE(*by_sender == *by_id);
}

TEST_P(MessageTablesTest, TheSameMessageAgainReplacesIt) {
  model::Message message = FullMessage();
  ASSERT_OK(tables().PutMessage(&message, std::nullopt));
  message.content.text = "edited";
  ASSERT_OK(tables().PutMessage(&message, std::nullopt));
  Commit();
  // By its sender's name, without the server's.
  message.id = MessageId();
  message.content.text = "edited again";
  ASSERT_OK(tables().PutMessage(&message, std::nullopt));
  ASSERT_OK_AND_ASSIGN(const auto page,
                       ListMessages(staged(), RoomId("general"), {}, 10));
  ASSERT_EQ(page.messages.size(), 1u);
  EXPECT_TRUE(page.messages[0].message == message);
  ASSERT_OK_AND_ASSIGN(const auto by_old_id,
                       tables().FindMessage(MessageId("m-1")));
  EXPECT_FALSE(by_old_id.has_value());
}

// The same client id of two senders is two messages.
TEST_P(MessageTablesTest, SendersDoNotShareClientIds) {
  model::Message mine = MakeEcho("a", "c-1");
  model::Message theirs = MakeMessage("a", "m-1", 1);
  theirs.client_id = ClientMessageId("c-1");
  ASSERT_OK(tables().PutMessage(&mine, OutboxSeq(1)));
  ASSERT_OK(tables().PutMessage(&theirs, std::nullopt));
  EXPECT_EQ(Listed(staged(), "a"), (Names{"m-1", "c-1"}));
}

// The echo came without the client id; the answer says that it was ours.
TEST_P(MessageTablesTest, TwoRowsOfOneMessageBecomeOne) {
  model::Message echo = MakeEcho("a", "c-1");
  ASSERT_OK(tables().PutMessage(&echo, OutboxSeq(1)));
  model::Message received = MakeMessage("a", "m-1", 1);
  received.sender = UserId("alice");
  ASSERT_OK(tables().PutMessage(&received, std::nullopt));
  Commit();
  echo.id = MessageId("m-1");
  echo.room_seq = 1;
  ASSERT_OK(tables().PutMessage(&echo, std::nullopt));
  Restart();
  EXPECT_EQ(Listed(*store(), "a"), (Names{"m-1"}));
  ASSERT_OK_AND_ASSIGN(const auto found,
                       tables().FindMessage(MessageId("m-1")));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->client_id, ClientMessageId("c-1"));
}

TEST_P(MessageTablesTest, AMessageThatChangesItsRoomLeavesTheOldOne) {
  model::Message message = MakeMessage("a", "m-1", 1);
  ASSERT_OK(tables().PutMessage(&message, std::nullopt));
  message.room = RoomId("b");
  ASSERT_OK(tables().PutMessage(&message, std::nullopt));
  EXPECT_EQ(Listed(staged(), "a"), Names());
  EXPECT_EQ(Listed(staged(), "b"), (Names{"m-1"}));
}

TEST_P(MessageTablesTest, ARemovedMessageIsFoundByNoName) {
  model::Message message = FullMessage();
  ASSERT_OK(tables().PutMessage(&message, std::nullopt));
  Commit();
  ASSERT_OK(tables().RemoveMessage(message));
  ASSERT_OK(tables().RemoveMessage(message));
  Restart();
  EXPECT_EQ(Listed(*store(), "general"), Names());
  ASSERT_OK_AND_ASSIGN(const auto by_id, tables().FindMessage(message.id));
  EXPECT_FALSE(by_id.has_value());
  ASSERT_OK_AND_ASSIGN(const auto by_sender,
                       tables().FindMessage(message.sender, message.client_id));
  EXPECT_FALSE(by_sender.has_value());
}

TEST_P(MessageTablesTest, BeyondTheLimitTheOldestIsEvicted) {
  TableLimits limits;
  limits.max_messages_per_room = 3;
  OpenTables(limits);
  for (int i = 1; i <= 10; ++i) {
    model::Message message = MakeMessage("a", "m-" + std::to_string(i), i);
    ASSERT_OK(tables().PutMessage(&message, std::nullopt));
    model::Message elsewhere = MakeMessage("b", "b-" + std::to_string(i), i);
    if (i <= 3) {
      ASSERT_OK(tables().PutMessage(&elsewhere, std::nullopt));
    }
    if (i % 4 == 0) Restart();
  }
  EXPECT_EQ(Listed(staged(), "a"), (Names{"m-8", "m-9", "m-10"}));
  EXPECT_EQ(Listed(staged(), "b"), (Names{"b-1", "b-2", "b-3"}));
  ASSERT_OK_AND_ASSIGN(const auto gone, tables().FindMessage(MessageId("m-7")));
  EXPECT_FALSE(gone.has_value());
  // One from the past is older than all: it makes no room for itself.
  model::Message past = MakeMessage("a", "m-0", 1);
  ASSERT_OK(tables().PutMessage(&past, std::nullopt));
  EXPECT_EQ(Listed(staged(), "a"), (Names{"m-8", "m-9", "m-10"}));
}

TEST_P(MessageTablesTest, WhatIsInTheOutboxIsNeverEvicted) {
  TableLimits limits;
  limits.max_messages_per_room = 2;
  OpenTables(limits);
  std::vector<model::Message> echoes;
  for (int i = 1; i <= 5; ++i) {
    echoes.push_back(MakeEcho("a", "c-" + std::to_string(i)));
    ASSERT_OK(tables().PutMessage(&echoes.back(), OutboxSeq(i)));
  }
  for (int i = 1; i <= 3; ++i) {
    model::Message message = MakeMessage("a", "m-" + std::to_string(i), i);
    ASSERT_OK(tables().PutMessage(&message, std::nullopt));
  }
  EXPECT_EQ(Listed(staged(), "a"),
            (Names{"m-2", "m-3", "c-1", "c-2", "c-3", "c-4", "c-5"}));
  // Sent, it counts.
  echoes[0].id = MessageId("m-4");
  echoes[0].room_seq = 4;
  ASSERT_OK(tables().PutMessage(&echoes[0], std::nullopt));
  EXPECT_EQ(Listed(staged(), "a"),
            (Names{"m-3", "m-4", "c-2", "c-3", "c-4", "c-5"}));
}

TEST_P(MessageTablesTest, AnEvictedMessageTakesItsDeliveryAlong) {
  TableLimits limits;
  limits.max_messages_per_room = 1;
  OpenTables(limits);
  tables().PutBinding({"ws://host:80", UserId("alice")});
  model::Message mine = MakeEcho("a", "c-1");
  mine.id = MessageId("m-1");
  mine.room_seq = 1;
  model::Delivery delivery = MakeDelivery("a", "c-1");
  ASSERT_OK(tables().PutDelivery(&delivery));
  // Another sender's message with the same client id does not.
  model::Message theirs = MakeMessage("a", "m-0", 1);
  theirs.client_id = ClientMessageId("c-1");
  ASSERT_OK(tables().PutMessage(&theirs, std::nullopt));
  ASSERT_OK(tables().PutMessage(&mine, std::nullopt));
  ASSERT_OK_AND_ASSIGN(auto found,
                       tables().FindDelivery(ClientMessageId("c-1")));
  EXPECT_TRUE(found.has_value());
  model::Message next = MakeMessage("a", "m-2", 2);
  ASSERT_OK(tables().PutMessage(&next, std::nullopt));
  EXPECT_EQ(Listed(staged(), "a"), (Names{"m-2"}));
  ASSERT_OK_AND_ASSIGN(found, tables().FindDelivery(ClientMessageId("c-1")));
  EXPECT_FALSE(found.has_value());
}

TEST_P(MessageTablesTest, DeliveriesAreKeptUntilTheyAreRemoved) {
  model::Delivery delivery = FullDelivery();
  ASSERT_OK(tables().PutDelivery(&delivery));
  EXPECT_EQ(delivery.change_seq, tables().last_change());
  Restart();
  ASSERT_OK_AND_ASSIGN(auto found,
                       tables().FindDelivery(ClientMessageId("c-1")));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->state, model::DeliveryState::kRead);
  EXPECT_EQ(found->message_id, MessageId("m-1"));
  ASSERT_OK(tables().RemoveDelivery(ClientMessageId("c-1")));
  ASSERT_OK(tables().RemoveDelivery(ClientMessageId("c-1")));
  ASSERT_OK_AND_ASSIGN(found, tables().FindDelivery(ClientMessageId("c-1")));
  EXPECT_FALSE(found.has_value());
}

}  // namespace
}  // namespace parley::storage
