#include "daemon/rpc/convert.h"

#include <cstdint>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "daemon/model/errors.h"
#include "daemon/rpc/convert_status.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"

namespace parley::rpc {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::util::MessageDifferencer;

// Fails for each field, at any depth, that has no value: a field of the API
// that nobody fills in. `except` holds full names.
void ExpectEveryFieldSet(const google::protobuf::Message& message,
                         const std::set<std::string>& except = {}) {
  const auto* const reflection = message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* const field = message.GetDescriptor()->field(i);
    if (except.count(field->full_name()) > 0) continue;
    const bool is_message =
        field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (field->is_repeated()) {
      const int size = reflection->FieldSize(message, field);
      EXPECT_GT(size, 0) << field->full_name();
      for (int k = 0; is_message && !field->is_map() && k < size; ++k) {
        ExpectEveryFieldSet(reflection->GetRepeatedMessage(message, field, k),
                            except);
      }
      continue;
    }
    EXPECT_TRUE(reflection->HasField(message, field)) << field->full_name();
    // A time may have a zero in it.
    if (is_message && field->message_type()->file()->package() == "parley.v1") {
      ExpectEveryFieldSet(reflection->GetMessage(message, field), except);
    }
  }
}

// Gives each field, at any depth, a value of its own.
class Filler {
 public:
  void Fill(google::protobuf::Message* message) {
    for (int i = 0; i < message->GetDescriptor()->field_count(); ++i) {
      const FieldDescriptor* const field = message->GetDescriptor()->field(i);
      const int count = field->is_repeated() ? 2 : 1;
      for (int k = 0; k < count; ++k) FillOne(message, field);
    }
  }

 private:
  void FillOne(google::protobuf::Message* message,
               const FieldDescriptor* field) {
    const auto* const reflection = message->GetReflection();
    ++counter_;
    const std::string text = absl::StrCat(field->name(), "-", counter_);
    const bool repeated = field->is_repeated();
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        return repeated ? reflection->AddString(message, field, text)
                        : reflection->SetString(message, field, text);
      case FieldDescriptor::CPPTYPE_INT32:
        return reflection->SetInt32(message, field, counter_);
      case FieldDescriptor::CPPTYPE_INT64:
        return reflection->SetInt64(message, field, counter_);
      case FieldDescriptor::CPPTYPE_ENUM:
        return reflection->SetEnumValue(message, field,
                                        field->enum_type()->value_count() - 1);
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return Fill(repeated ? reflection->AddMessage(message, field)
                             : reflection->MutableMessage(message, field));
      default:
        FAIL() << "teach Filler " << field->cpp_type_name();
    }
  }

  int counter_ = 0;
};

base::WallTime At(int seconds) {
  return absl::FromUnixSeconds(1700000000 + seconds);
}

model::MessageContent FullContent() {
  model::MessageContent content;
  content.thread = model::ThreadId("thread");
  content.reply_to = model::MessageId("answered");
  content.type = model::MessageType::kVoice;
  content.text = "text";
  content.mentions = {model::UserId("u1"), model::UserId("u2")};
  content.attachments = {{"id", model::AttachmentType::kAudio, "name", "url",
                          "mime", "thumb", 1, 2, 3, 4}};
  content.metadata = {{"key", "value"}};
  return content;
}

constexpr char kContentJson[] =
    R"("text":"text","type":"MESSAGE_TYPE_VOICE","thread":"thread",)"
    R"("replyTo":"answered","mentions":["u1","u2"],"attachments":[{)"
    R"("id":"id","type":"ATTACHMENT_TYPE_AUDIO","name":"name","url":"url",)"
    R"("mimeType":"mime","thumbnailUrl":"thumb","sizeBytes":"1","widthPx":2,)"
    R"("heightPx":3,"durationMs":4}],"metadata":{"key":"value"},)";

// What parleyctl and other clients print; field for field.
template <typename Proto>
std::string Json(const Proto& proto) {
  std::string json;
  EXPECT_TRUE(google::protobuf::util::MessageToJsonString(proto, &json).ok());
  return json;
}

TEST(ConvertTest, Message) {
  model::MessageView view;
  view.message.room = model::RoomId("room");
  view.message.id = model::MessageId("m1");
  view.message.client_id = model::ClientMessageId("c1");
  view.message.sender = model::UserId("alice");
  view.message.content = FullContent();
  view.message.sent_at = At(0);
  view.message.room_seq = 7;
  view.message.history_era = 2;
  view.message.possible_duplicate = true;
  view.delivery = model::DeliveryState::kDelivered;
  v1::Message proto;
  ToProto(view, &proto);
  ExpectEveryFieldSet(proto);
  EXPECT_EQ(
      Json(proto),
      absl::StrCat(R"({"room":"room","messageId":"m1",)",
                   R"("clientMessageId":"c1","sender":"alice",)", kContentJson,
                   R"("sentAt":"2023-11-14T22:13:20Z","roomSeq":"7",)",
                   R"("deliveryState":"DELIVERY_STATE_DELIVERED",)",
                   R"("possibleDuplicate":true,"historyEra":2})"));
}

TEST(ConvertTest, OutboxEntry) {
  model::OutboxEntry entry;
  entry.room = model::RoomId("room");
  entry.seq = model::OutboxSeq(5);
  entry.client_id = model::ClientMessageId("c1");
  entry.content = FullContent();
  entry.state = model::OutboxState::kFailed;
  entry.accepted_at = At(0);
  entry.expires_at = At(1);
  entry.sends = 2;
  entry.answered_failures = 3;
  entry.poison_closes = 4;
  entry.possibly_sent = true;
  entry.possible_duplicate = true;
  entry.failure = model::FailureReason::kPoison;
  entry.last_error_code = "CODE";
  entry.last_error_message = "words";
  entry.history = {{At(2), "sent", "detail"}};

  v1::OutboxEntry proto;
  ToProto(entry, History::kIncluded, &proto);
  ExpectEveryFieldSet(proto);
  EXPECT_EQ(
      Json(proto),
      absl::StrCat(
          R"({"clientMessageId":"c1","room":"room",)",
          R"("state":"OUTBOX_STATE_FAILED",)", kContentJson,
          R"("queueSeq":"5","acceptedAt":"2023-11-14T22:13:20Z",)",
          R"("expiresAt":"2023-11-14T22:13:21Z","sends":2,)",
          R"("answeredFailures":3,"poisonCloses":4,"possibleDuplicate":true,)",
          R"("failureReason":"FAILURE_REASON_POISON","lastErrorCode":"CODE",)",
          R"("lastErrorMessage":"words","history":[)",
          R"({"time":"2023-11-14T22:13:22Z","what":"sent","detail":"detail"}],)",
          R"("possiblySent":true})"));

  proto.Clear();
  ToProto(entry, History::kOmitted, &proto);
  EXPECT_EQ(proto.history_size(), 0);
}

TEST(ConvertTest, Room) {
  model::Room room;
  room.room = model::RoomId("general");
  room.kind = model::RoomKind::kGroup;
  room.membership = model::Membership::kLeaving;
  room.member_count = 3;
  room.joined_at = At(0);
  room.join_state = model::JoinState::kFailed;
  room.last_error = "refused";
  v1::Room proto;
  ToProto(room, &proto);
  ExpectEveryFieldSet(proto);
  EXPECT_EQ(Json(proto),
            R"({"name":"general","kind":"ROOM_KIND_GROUP",)"
            R"("membership":"MEMBERSHIP_LEAVING",)"
            R"("joinState":"JOIN_STATE_FAILED","memberCount":3,)"
            R"("joinedAt":"2023-11-14T22:13:20Z","lastError":"refused"})");
}

TEST(ConvertTest, Delivery) {
  model::Delivery delivery;
  delivery.client_id = model::ClientMessageId("c1");
  delivery.room = model::RoomId("room");
  delivery.message_id = model::MessageId("m1");
  delivery.state = model::DeliveryState::kRead;
  delivery.updated_at = At(0);
  v1::Delivery proto;
  ToProto(delivery, &proto);
  ExpectEveryFieldSet(proto);
  EXPECT_EQ(Json(proto),
            R"({"room":"room","clientMessageId":"c1","messageId":"m1",)"
            R"("state":"DELIVERY_STATE_READ",)"
            R"("updatedAt":"2023-11-14T22:13:20Z"})");
}

model::SyncStatus FullSync() {
  model::SyncStatus sync;
  sync.phase = model::SyncPhase::kFailed;
  sync.trigger = model::SyncTrigger::kGap;
  sync.run = 1;
  sync.progress = 2;
  sync.rooms = 3;
  sync.rooms_done = 4;
  sync.rooms_failed = 5;
  sync.messages = 6;
  sync.rooms_restarted = 7;
  sync.errors = {{model::RoomId("general"), "FORBIDDEN: no"}};
  sync.error = "words";
  sync.started_at = At(0);
  sync.ended_at = At(1);
  return sync;
}

TEST(ConvertTest, SyncState) {
  v1::SyncState proto;
  ToProto(FullSync(), &proto);
  ExpectEveryFieldSet(proto);
  EXPECT_EQ(Json(proto),
            R"({"phase":"SYNC_PHASE_FAILED","trigger":"SYNC_TRIGGER_GAP",)"
            R"("run":"1","progressPercent":2,"roomsTotal":3,"roomsDone":4,)"
            R"("roomsFailed":5,"messagesRead":"6","roomsRestarted":7,)"
            R"("errors":[{"room":"general","error":"FORBIDDEN: no"}],)"
            R"("error":"words","startedAt":"2023-11-14T22:13:20Z",)"
            R"("endedAt":"2023-11-14T22:13:21Z"})");
}

TEST(ConvertTest, ACatchUpThatNeverWasHasNoCauseAndNoTimes) {
  v1::SyncState proto;
  ToProto(model::SyncStatus(), &proto);
  EXPECT_EQ(Json(proto), R"({"phase":"SYNC_PHASE_IDLE"})");
}

TEST(ConvertTest, Status) {
  model::CoreStatus core;
  core.connection = {
      model::ConnectionState::kWaiting,
      At(0),
      "cause",
      2,
      At(1),
      "CODE",
      "words",
      At(2),
      "ws://server",
      model::UserId("alice"),
      true,
      model::Reachability::kReachable,
      {model::QualityLevel::kFair, absl::Milliseconds(450), 5, 1},
      At(5)};
  core.capabilities.dialect = model::Dialect::kPlugin;
  core.capabilities.protocol_version = "1";
  core.capabilities.history_epoch = "e";
  core.capabilities.message_ids = true;
  core.capabilities.deduplicates = true;
  core.capabilities.history = true;
  core.capabilities.durable_membership = true;
  core.capabilities.ordered_window = 16;
  core.capabilities.ordered_sends = true;
  core.capabilities.max_payload_bytes = 100;
  core.capabilities.max_text_bytes = 50;
  core.capabilities.advertised = {"a", "b"};
  core.capabilities.learned_at = At(3);
  core.outbox = {1, 2, 3, 4, 5, At(4)};
  core.rooms = {6, 7, 8};
  core.sync = FullSync();

  v1::DaemonStatus proto;
  ToProto(core, &proto);
  ExpectEveryFieldSet(
      proto,
      {"parley.v1.DaemonStatus.version", "parley.v1.DaemonStatus.profile",
       "parley.v1.DaemonStatus.pid", "parley.v1.DaemonStatus.started_at",
       "parley.v1.DaemonStatus.store", "parley.v1.DaemonStatus.clients",
       // Told by SyncService alone.
       "parley.v1.SyncState.errors"});
  EXPECT_EQ(
      Json(proto),
      R"({"connection":{"state":"CONNECTION_STATE_WAITING",)"
      R"("since":"2023-11-14T22:13:20Z","cause":"cause","failedAttempts":2,)"
      R"("nextRetryAt":"2023-11-14T22:13:21Z","lastErrorCode":"CODE",)"
      R"("lastErrorMessage":"words","lastErrorAt":"2023-11-14T22:13:22Z",)"
      R"("serverUrl":"ws://server","userId":"alice","deviceOnline":true,)"
      R"("serverReachability":"SERVER_REACHABILITY_REACHABLE",)"
      R"("quality":{"level":"QUALITY_LEVEL_FAIR","averageLatency":"0.450s",)"
      R"("samples":5,"lostSamples":1},)"
      R"("tokenExpiresAt":"2023-11-14T22:13:25Z"},)"
      R"("server":{"dialect":"SERVER_DIALECT_PLUGIN","protocolVersion":"1",)"
      R"("messageIds":true,"deduplicatesSends":true,"history":true,)"
      R"("historyEpoch":"e","durableMembership":true,"orderedSends":true,)"
      R"("orderedWindow":16,"maxPayloadBytes":"100","maxTextBytes":"50",)"
      R"("advertised":["a","b"],"learnedAt":"2023-11-14T22:13:23Z"},)"
      R"("outbox":{"queued":1,"failed":2,"bytes":"3","maxEntries":4,)"
      R"("maxBytes":"5","oldestQueuedAt":"2023-11-14T22:13:24Z"},)"
      R"("rooms":{"rooms":6,"joined":7,"failed":8},)"
      R"("sync":{"phase":"SYNC_PHASE_FAILED","trigger":"SYNC_TRIGGER_GAP",)"
      R"("run":"1","progressPercent":2,"roomsTotal":3,"roomsDone":4,)"
      R"("roomsFailed":5,"messagesRead":"6","roomsRestarted":7,)"
      R"("error":"words","startedAt":"2023-11-14T22:13:20Z",)"
      R"("endedAt":"2023-11-14T22:13:21Z"}})");
}

TEST(ConvertTest, Replies) {
  v1::SendMessageResponse sent;
  ToProto(core::MessageAccepted{model::ClientMessageId("c1"), true,
                                model::SentRecord::Outcome::kCancelledAfterSend,
                                model::MessageId("m1")},
          &sent);
  ExpectEveryFieldSet(sent);
  EXPECT_EQ(Json(sent),
            R"({"clientMessageId":"c1","alreadyAccepted":true,)"
            R"("outcome":"SEND_OUTCOME_POSSIBLY_SENT","messageId":"m1"})");

  v1::CancelMessageResponse cancelled;
  ToProto(core::CancelReply{model::CancelOutcome::kAlreadySent,
                            model::MessageId("m1")},
          &cancelled);
  ExpectEveryFieldSet(cancelled);
  EXPECT_EQ(Json(cancelled),
            R"({"outcome":"CANCEL_OUTCOME_ALREADY_SENT","messageId":"m1"})");

  v1::FlushOutboxResponse flushed;
  ToProto(core::FlushReply{3}, &flushed);
  ExpectEveryFieldSet(flushed);
  EXPECT_EQ(flushed.queued(), 3);

  v1::SignOutResponse signed_out;
  ToProto(core::SignOutReply{4}, &signed_out);
  ExpectEveryFieldSet(signed_out);
  EXPECT_EQ(signed_out.discarded_entries(), 4);
}

TEST(ConvertTest, WhatIsNotKnownOfTheConnectionIsLeftOut) {
  v1::DaemonStatus proto;
  ToProto(model::CoreStatus(), &proto);
  const v1::ConnectionStatus& connection = proto.connection();
  EXPECT_TRUE(connection.device_online());
  EXPECT_EQ(connection.server_reachability(),
            v1::SERVER_REACHABILITY_UNSPECIFIED);
  EXPECT_EQ(connection.quality().level(), v1::QUALITY_LEVEL_UNSPECIFIED);
  EXPECT_FALSE(connection.quality().has_average_latency());
  EXPECT_FALSE(connection.has_token_expires_at());
}

TEST(ConvertTest, LimitsAreAllTold) {
  ExpectEveryFieldSet(DaemonLimitsProto());
}

// Whatever a client puts into a message comes back to it: each field of the
// request that is of the content stands, under its name, in the message.
TEST(ConvertTest, EveryFieldOfARequestSurvives) {
  v1::SendMessageRequest request;
  Filler().Fill(&request);
  const auto content = ContentFromProto(request);
  ASSERT_TRUE(content.ok()) << content.status();
  model::MessageView view;
  view.message.content = *content;
  v1::Message message;
  ToProto(view, &message);

  const std::set<std::string> not_content = {"room", "client_message_id",
                                             "expire_after"};
  // Both as the same type, so that they can be compared as a whole.
  v1::Message expected;
  for (int i = 0; i < request.GetDescriptor()->field_count(); ++i) {
    const std::string& name = request.GetDescriptor()->field(i)->name();
    if (not_content.count(name) > 0) continue;
    ASSERT_NE(message.GetDescriptor()->FindFieldByName(name), nullptr) << name;
  }
  for (const std::string& name : not_content) {
    request.GetReflection()->ClearField(
        &request, request.GetDescriptor()->FindFieldByName(name));
  }
  ASSERT_TRUE(
      google::protobuf::util::JsonStringToMessage(Json(request), &expected)
          .ok());
  std::string difference;
  MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&difference);
  EXPECT_TRUE(differencer.Compare(expected, message)) << difference;
}

TEST(ConvertTest, TypesThatARequestLeavesOutHaveADefault) {
  v1::SendMessageRequest request;
  request.add_attachments();
  const auto content = ContentFromProto(request);
  ASSERT_TRUE(content.ok());
  EXPECT_EQ(content->type, model::MessageType::kText);
  EXPECT_EQ(content->attachments[0].type, model::AttachmentType::kFile);
}

TEST(ConvertTest, WhatTheModelCannotHoldIsRefusedByName) {
  const auto field_of = [](auto change) {
    v1::SendMessageRequest request;
    request.add_attachments();
    change(&request);
    return model::ErrorFieldOf(ContentFromProto(request).status()).value_or("");
  };
  using Request = v1::SendMessageRequest*;
  EXPECT_EQ(field_of([](Request r) {
              r->set_type(static_cast<v1::MessageType>(99));
            }),
            "type");
  EXPECT_EQ(field_of([](Request r) {
              r->mutable_attachments(0)->set_type(
                  static_cast<v1::AttachmentType>(-1));
            }),
            "attachments[0].type");
  EXPECT_EQ(field_of([](Request r) {
              r->mutable_attachments(0)->set_size_bytes(-1);
            }),
            "attachments[0].size_bytes");
  EXPECT_EQ(
      field_of([](Request r) { r->mutable_attachments(0)->set_width_px(-1); }),
      "attachments[0].width_px");
  EXPECT_EQ(
      field_of([](Request r) { r->mutable_attachments(0)->set_height_px(-1); }),
      "attachments[0].height_px");
  EXPECT_EQ(field_of([](Request r) {
              r->mutable_attachments(0)->set_duration_ms(-1);
            }),
            "attachments[0].duration_ms");
}

TEST(ConvertTest, ExpiryIsBetweenAMillisecondAndAYear) {
  const auto expiry = [](int64_t seconds, int32_t nanos) {
    google::protobuf::Duration duration;
    duration.set_seconds(seconds);
    duration.set_nanos(nanos);
    return ExpireAfterFromProto(duration);
  };
  EXPECT_EQ(*expiry(0, 1000000), absl::Milliseconds(1));
  EXPECT_EQ(*expiry(90, 1999999), absl::Seconds(90) + absl::Milliseconds(1));
  EXPECT_EQ(*expiry(365 * 86400, 0), absl::Hours(24 * 365));
  for (const auto& wrong :
       {expiry(0, 0), expiry(0, 999999), expiry(-1, 0), expiry(0, -5),
        expiry(365 * 86400, 1), expiry(INT64_MAX, INT32_MAX),
        expiry(INT64_MIN, INT32_MIN)}) {
    EXPECT_EQ(model::ErrorFieldOf(wrong.status()), "expire_after");
  }
}

TEST(ConvertTest, ACatchUpsDeadlineIsBetweenAMillisecondAndADay) {
  const auto deadline = [](int64_t seconds, int32_t nanos) {
    google::protobuf::Duration duration;
    duration.set_seconds(seconds);
    duration.set_nanos(nanos);
    return SyncDeadlineFromProto(duration);
  };
  EXPECT_EQ(*deadline(0, 1999999), absl::Milliseconds(1));
  EXPECT_EQ(*deadline(86400, 0), absl::Hours(24));
  for (const auto& wrong : {deadline(0, 0), deadline(0, 999999),
                            deadline(-1, 0), deadline(86400, 1)}) {
    EXPECT_EQ(model::ErrorFieldOf(wrong.status()), "deadline");
  }
}

TEST(ConvertTest, TimesStayWithinWhatJsonCanSay) {
  const auto json = [](base::WallTime time) {
    model::Room room;
    room.joined_at = time;
    v1::Room proto;
    ToProto(room, &proto);
    return Json(proto);
  };
  EXPECT_THAT(json(absl::InfiniteFuture()),
              testing::HasSubstr("9999-12-31T23:59:59Z"));
  EXPECT_THAT(json(absl::InfinitePast()),
              testing::HasSubstr("0001-01-01T00:00:00Z"));
  EXPECT_THAT(json(absl::FromUnixMillis(-1)),
              testing::HasSubstr("1969-12-31T23:59:59.999Z"));
  EXPECT_THAT(json(base::WallTime()),
              testing::Not(testing::HasSubstr("joined")));
}

TEST(ConvertTest, NumbersStayWithinTheirType) {
  model::CoreStatus core;
  core.outbox.queued = UINT64_MAX;
  core.outbox.bytes = UINT64_MAX;
  v1::DaemonStatus proto;
  ToProto(core, &proto);
  EXPECT_EQ(proto.outbox().queued(), INT32_MAX);
  EXPECT_EQ(proto.outbox().bytes(), INT64_MAX);
}

}  // namespace
}  // namespace parley::rpc
