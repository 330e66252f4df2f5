#include "daemon/storage/records.h"

#include <functional>
#include <string>
#include <vector>

#include "daemon/storage/crc32c.h"
#include "daemon/storage/keys.h"
#include "daemon/storage/testing/samples.h"
#include "daemon/storage/testing/status_testing.h"
#include "gtest/gtest.h"

namespace parley::storage {
namespace {

// A record of each kind: its key, its value, and decoding and encoding it
// again.
struct Sample {
  std::string name;
  std::string key;
  std::string value;
  std::function<absl::StatusOr<std::string>(const std::string& key,
                                            const std::string& value)>
      round_trip;
  // Changes when what is on the disk changes.
  uint32_t golden;
};

template <typename T>
Sample MakeSample(std::string name, std::string key, const T& object,
                  std::string (*encode)(absl::string_view, const T&),
                  absl::StatusOr<T> (*decode)(absl::string_view,
                                              absl::string_view),
                  uint32_t golden) {
  std::string value = encode(key, object);
  return {
      std::move(name), std::move(key), std::move(value),
      [encode, decode](const std::string& k,
                       const std::string& v) -> absl::StatusOr<std::string> {
        absl::StatusOr<T> decoded = decode(k, v);
        if (!decoded.ok()) return decoded.status();
        return encode(k, *decoded);
      },
      golden};
}

template <typename T>
Sample MakeValueSample(std::string name, MetaField field, T object,
                       std::string (*encode)(absl::string_view, T),
                       absl::StatusOr<T> (*decode)(absl::string_view,
                                                   absl::string_view),
                       uint32_t golden) {
  const std::string key = MetaKey(field);
  return {
      std::move(name), key, encode(key, object),
      [encode, decode](const std::string& k,
                       const std::string& v) -> absl::StatusOr<std::string> {
        absl::StatusOr<T> decoded = decode(k, v);
        if (!decoded.ok()) return decoded.status();
        return encode(k, *decoded);
      },
      golden};
}

std::vector<Sample> Samples() {
  const model::RoomId room("general");
  const model::ClientMessageId client_id("c-1");
  const FeedRow object = QueuedKey(room, model::OutboxSeq(5));
  const FeedRow tombstone = model::Tombstone{
      model::ObjectKind::kDelivery, room, client_id, model::MessageId("m-1")};
  const std::string feed_key = FeedKey(model::ChangeSeq(7));
  return {
      MakeSample("room", RoomKey(room), FullRoom(), EncodeRoom, DecodeRoom,
                 0x33dbfa72),
      MakeSample("outbox room", OutboxRoomKey(room), FullOutboxRoom(),
                 EncodeOutboxRoom, DecodeOutboxRoom, 0x1ebb14e6),
      MakeSample("outbox entry", FailedKey(room, model::OutboxSeq(5)),
                 FullOutboxEntry(), EncodeOutboxEntry, DecodeOutboxEntry,
                 0x01f441f1),
      MakeSample("sent", SentKey(client_id), FullSentRecord(), EncodeSent,
                 DecodeSent, 0x02c26928),
      MakeSample("message", MessageKey(room, {17, 99}), FullMessage(),
                 EncodeMessage, DecodeMessage, 0x03a40e97),
      MakeSample("delivery", DeliveryKey(client_id), FullDelivery(),
                 EncodeDelivery, DecodeDelivery, 0x802d9771),
      MakeSample("room messages", RoomMessagesKey(room),
                 RoomMessages{12, {3, 4}}, EncodeRoomMessages,
                 DecodeRoomMessages, 0x9443a566),
      MakeSample("feed object", feed_key, object, EncodeFeedRow, DecodeFeedRow,
                 0xc41e99a5),
      MakeSample("feed tombstone", feed_key, tombstone, EncodeFeedRow,
                 DecodeFeedRow, 0x065680d7),
      MakeSample("feed epochs", MetaKey(MetaField::kFeedEpochs),
                 std::vector<FeedEpoch>{{3, model::ChangeSeq(10)},
                                        {4, model::ChangeSeq(20)}},
                 EncodeFeedEpochs, DecodeFeedEpochs, 0xbd54c76e),
      MakeSample("feed state", MetaKey(MetaField::kFeedState),
                 FeedState{model::ChangeSeq(9), 5}, EncodeFeedState,
                 DecodeFeedState, 0xb559edc4),
      MakeSample("binding", MetaKey(MetaField::kBinding),
                 StoreBinding{"ws://host:80", model::UserId("alice")},
                 EncodeBinding, DecodeBinding, 0x2f6e69ec),
      MakeSample("capabilities", MetaKey(MetaField::kCapabilities),
                 FullCapabilities(), EncodeCapabilities, DecodeCapabilities,
                 0x40033bc3),
      MakeValueSample<uint32_t>("schema", MetaField::kSchema, 3,
                                EncodeSchemaVersion, DecodeSchemaVersion,
                                0xf5bee266),
      MakeValueSample<model::OnPurpose>(
          "stopped", MetaField::kStopped, model::OnPurpose::kDisconnected,
          EncodeStopped, DecodeStopped, 0xd4a3600b),
      MakeSample("sync cursor", SyncCursorKey(room),
                 model::SyncCursor{"epoch", "cursor", 17,
                                   absl::FromUnixMillis(1700000000123)},
                 EncodeSyncCursor, DecodeSyncCursor, 0x80a36b10),
      MakeSample("erasure", MetaKey(MetaField::kErasure),
                 ErasureScope{true, false}, EncodeErasure, DecodeErasure,
                 0xb785e6bc),
      MakeValueSample<uint64_t>("sent count", MetaField::kSentCount, 12345,
                                EncodeSentCount, DecodeSentCount, 0x54b78014),
  };
}

TEST(RecordsTest, EachRecordComesBackAsItWas) {
  for (const Sample& sample : Samples()) {
    ASSERT_OK_AND_ASSIGN(const std::string again,
                         sample.round_trip(sample.key, sample.value));
    EXPECT_EQ(again, sample.value) << sample.name;
  }
}

// What is on the disk of a user must stay readable: a new number here means a
// new kSchemaVersion and a migration, unless only a field was added.
TEST(RecordsTest, WhatIsOnTheDiskIsFixed) {
  for (const Sample& sample : Samples()) {
    EXPECT_EQ(Crc32c(sample.value), sample.golden) << sample.name;
  }
}

TEST(RecordsTest, FieldsSurvive) {
  const std::string message_key =
      MessageKey(model::RoomId("general"), {17, 99});
  ASSERT_OK_AND_ASSIGN(
      const model::Message message,
      DecodeMessage(message_key, EncodeMessage(message_key, FullMessage())));
  EXPECT_TRUE(message == FullMessage());

  const std::string key =
      FailedKey(model::RoomId("general"), model::OutboxSeq(5));
  ASSERT_OK_AND_ASSIGN(
      const model::OutboxEntry entry,
      DecodeOutboxEntry(key, EncodeOutboxEntry(key, FullOutboxEntry())));
  const model::OutboxEntry full = FullOutboxEntry();
  EXPECT_EQ(entry.room, full.room);
  EXPECT_EQ(entry.seq, full.seq);
  EXPECT_EQ(entry.client_id, full.client_id);
  EXPECT_TRUE(entry.content == full.content);
  EXPECT_EQ(entry.state, full.state);
  EXPECT_EQ(entry.accepted_at, full.accepted_at);
  EXPECT_EQ(entry.expires_at, full.expires_at);
  EXPECT_EQ(entry.sends, full.sends);
  EXPECT_EQ(entry.answered_failures, full.answered_failures);
  EXPECT_EQ(entry.poison_closes, full.poison_closes);
  EXPECT_EQ(entry.possibly_sent, full.possibly_sent);
  EXPECT_EQ(entry.possible_duplicate, full.possible_duplicate);
  EXPECT_EQ(entry.failure, full.failure);
  EXPECT_EQ(entry.last_error_code, full.last_error_code);
  EXPECT_EQ(entry.last_error_message, full.last_error_message);
  ASSERT_EQ(entry.history.size(), 2u);
  EXPECT_EQ(entry.history[1].at, full.history[1].at);
  EXPECT_EQ(entry.history[1].what, "refused");
  EXPECT_EQ(entry.history[1].detail, "FORBIDDEN");
  EXPECT_EQ(entry.change_seq, full.change_seq);

  const std::string meta = MetaKey(MetaField::kCapabilities);
  ASSERT_OK_AND_ASSIGN(
      const model::ServerCapabilities capabilities,
      DecodeCapabilities(meta, EncodeCapabilities(meta, FullCapabilities())));
  EXPECT_TRUE(capabilities == FullCapabilities());
}

TEST(RecordsTest, AnEntryWithoutExpiryHasNone) {
  const std::string key = QueuedKey(model::RoomId("r"), model::OutboxSeq(1));
  const model::OutboxEntry entry = MakeEntry("r", 1, "c");
  ASSERT_OK_AND_ASSIGN(const model::OutboxEntry again,
                       DecodeOutboxEntry(key, EncodeOutboxEntry(key, entry)));
  EXPECT_FALSE(again.expires_at.has_value());
}

TEST(RecordsTest, BytesThatAreNotUtf8AreKept) {
  const std::string key = RoomKey(model::RoomId("r"));
  model::Room room = MakeRoom("r");
  room.last_error = "\xff\xfe not text";
  ASSERT_OK_AND_ASSIGN(const model::Room again,
                       DecodeRoom(key, EncodeRoom(key, room)));
  EXPECT_EQ(again.last_error, room.last_error);
}

TEST(RecordsTest, AFlippedBitAnywhereIsDataLossThatNamesTheKey) {
  for (const Sample& sample : Samples()) {
    for (size_t i = 0; i < sample.value.size(); ++i) {
      std::string damaged = sample.value;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << (i % 8)));
      const auto result = sample.round_trip(sample.key, damaged);
      ASSERT_EQ(result.status().code(), absl::StatusCode::kDataLoss)
          << sample.name << " byte " << i;
      EXPECT_NE(result.status().message().find(DescribeKey(sample.key)),
                std::string::npos)
          << result.status();
    }
  }
}

TEST(RecordsTest, ACutRecordIsDataLoss) {
  for (const Sample& sample : Samples()) {
    for (size_t size = 0; size < sample.value.size(); ++size) {
      EXPECT_EQ(sample.round_trip(sample.key, sample.value.substr(0, size))
                    .status()
                    .code(),
                absl::StatusCode::kDataLoss)
          << sample.name << " cut to " << size;
    }
  }
}

TEST(RecordsTest, ARecordUnderAnotherKeyIsDataLoss) {
  const std::string value = EncodeRoom(RoomKey(model::RoomId("a")), FullRoom());
  EXPECT_EQ(DecodeRoom(RoomKey(model::RoomId("b")), value).status().code(),
            absl::StatusCode::kDataLoss);
}

TEST(RecordsTest, AnotherFormatIsDataLoss) {
  const std::string key = RoomKey(model::RoomId("a"));
  std::string value(1, kRecordFormat + 1);
  const uint32_t crc = Crc32c(value, Crc32c(key));
  for (int i = 0; i < 4; ++i) value.push_back(static_cast<char>(crc >> 8 * i));
  const absl::Status status = DecodeRoom(key, value).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(status.message().find("format 2"), std::string::npos) << status;
}

// A later minor version may add fields.
TEST(RecordsTest, AnUnknownFieldIsReadPast) {
  for (const Sample& sample : Samples()) {
    ASSERT_OK_AND_ASSIGN(const absl::string_view body,
                         OpenRecord(sample.key, sample.value));
    // Field 1000, three bytes.
    const std::string longer = std::string(body) + "\xc2\x3e\x03new";
    ASSERT_OK_AND_ASSIGN(
        const std::string again,
        sample.round_trip(sample.key, SealRecord(sample.key, longer)));
    EXPECT_EQ(again, sample.value) << sample.name;
  }
}

TEST(RecordsTest, ABodyThatIsNoMessageIsDataLoss) {
  for (const Sample& sample : Samples()) {
    EXPECT_EQ(sample.round_trip(sample.key, SealRecord(sample.key, "\xff"))
                  .status()
                  .code(),
              absl::StatusCode::kDataLoss)
        << sample.name;
  }
}

TEST(RecordsTest, AnUnknownStateIsDataLoss) {
  const std::string key = DeliveryKey(model::ClientMessageId("c"));
  model::Delivery delivery = FullDelivery();
  delivery.state = static_cast<model::DeliveryState>(77);
  const absl::Status status =
      DecodeDelivery(key, EncodeDelivery(key, delivery)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(status.message().find("77"), std::string::npos) << status;
}

TEST(RecordsTest, EpochsOutOfOrderAreDataLoss) {
  const std::string key = MetaKey(MetaField::kFeedEpochs);
  const auto decode = [&key](const std::vector<FeedEpoch>& epochs) {
    return DecodeFeedEpochs(key, EncodeFeedEpochs(key, epochs)).status().code();
  };
  EXPECT_EQ(decode({}), absl::StatusCode::kDataLoss);
  EXPECT_EQ(decode({{2, model::ChangeSeq(1)}, {2, model::ChangeSeq(1)}}),
            absl::StatusCode::kDataLoss);
  EXPECT_EQ(decode({{2, model::ChangeSeq(5)}, {3, model::ChangeSeq(4)}}),
            absl::StatusCode::kDataLoss);
}

TEST(RecordsTest, ADeliveryIsOfTheAccountsOwnMessage) {
  const model::Delivery delivery = FullDelivery();
  const model::UserId alice("alice");
  model::Message message = FullMessage();
  EXPECT_TRUE(IsDeliveryOf(delivery, message, alice));
  EXPECT_FALSE(IsDeliveryOf(delivery, message, model::UserId("bob")));
  message.sender = model::UserId();
  EXPECT_TRUE(IsDeliveryOf(delivery, message, alice));
  message.room = model::RoomId("other");
  EXPECT_FALSE(IsDeliveryOf(delivery, message, alice));
}

}  // namespace
}  // namespace parley::storage
