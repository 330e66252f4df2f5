// The unary methods for rooms, messages and the outbox over a real socket: what
// the core is asked, what the client is told, and what is refused before
// either. Those of the daemon itself are in server_status_test.cc.

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "daemon/model/errors.h"
#include "daemon/rpc/testing/edge_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::rpc {
namespace {

namespace v1 = ::parley::v1;
using ::testing::HasSubstr;

class ServerUnaryTest : public EdgeTest {
 protected:
  void SetUp() override { StartServer(); }

  template <typename Command>
  Command LastCommand() {
    const auto commands = core_.commands();
    EXPECT_FALSE(commands.empty());
    return std::get<Command>(commands.back());
  }

  grpc::Status Send(const v1::SendMessageRequest& request,
                    v1::SendMessageResponse* response) {
    Call call;
    return messages_->SendMessage(&call, request, response);
  }
  static v1::SendMessageRequest Hello() {
    v1::SendMessageRequest request;
    request.set_room("general");
    request.set_text("hello");
    return request;
  }
};

// --- MessageService ----------------------------------------------------------

TEST_F(ServerUnaryTest, SendMessageReachesTheCoreWhole) {
  AnswerWith(core::ReplyBody(core::MessageAccepted{
      model::ClientMessageId("c1"), true, model::SentRecord::Outcome::kSent,
      model::MessageId("m1")}));
  v1::SendMessageRequest request = Hello();
  request.set_client_message_id("c1");
  request.set_type(v1::MESSAGE_TYPE_IMAGE);
  request.set_thread("t");
  request.set_reply_to("m0");
  request.add_mentions("bob");
  (*request.mutable_metadata())["k"] = "v";
  request.mutable_expire_after()->set_seconds(60);
  v1::SendMessageResponse response;
  const grpc::Status status = Send(request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.client_message_id(), "c1");
  EXPECT_TRUE(response.already_accepted());
  EXPECT_EQ(response.outcome(), v1::SEND_OUTCOME_SENT);
  EXPECT_EQ(response.message_id(), "m1");

  const auto command = LastCommand<core::SendMessage>();
  EXPECT_EQ(command.room.value(), "general");
  EXPECT_EQ(command.client_id.value(), "c1");
  EXPECT_EQ(command.content.text, "hello");
  EXPECT_EQ(command.content.type, model::MessageType::kImage);
  EXPECT_EQ(command.content.thread.value(), "t");
  EXPECT_EQ(command.content.reply_to.value(), "m0");
  EXPECT_EQ(command.content.mentions.size(), 1u);
  EXPECT_EQ(command.content.metadata.at("k"), "v");
  EXPECT_EQ(command.expire_after, absl::Minutes(1));
}

TEST_F(ServerUnaryTest, SendMessageWithoutAnIdLeavesItToTheCore) {
  AnswerWith(core::ReplyBody(core::MessageAccepted{}));
  v1::SendMessageResponse response;
  ASSERT_TRUE(Send(Hello(), &response).ok());
  EXPECT_TRUE(LastCommand<core::SendMessage>().client_id.empty());
  EXPECT_FALSE(LastCommand<core::SendMessage>().expire_after.has_value());
}

TEST_F(ServerUnaryTest, SendMessageIsValidatedBeforeTheCoreSeesIt) {
  const auto refused_field = [this](auto change) {
    v1::SendMessageRequest request = Hello();
    change(&request);
    v1::SendMessageResponse response;
    const grpc::Status status = Send(request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(ReasonOf(status), "INVALID_ARGUMENT");
    return FieldOf(status);
  };
  using Request = v1::SendMessageRequest*;
  EXPECT_EQ(refused_field([](Request r) { r->clear_room(); }), "room");
  EXPECT_EQ(
      refused_field([](Request r) { r->set_room(std::string("a\0b", 3)); }),
      "room");
  EXPECT_EQ(
      refused_field([](Request r) { r->set_room(std::string(256, 'r')); }),
      "room");
  EXPECT_EQ(refused_field([](Request r) { r->set_client_message_id("a b"); }),
            "client_message_id");
  EXPECT_EQ(refused_field([](Request r) {
              r->set_client_message_id(std::string(129, 'c'));
            }),
            "client_message_id");
  EXPECT_EQ(refused_field([](Request r) { r->clear_text(); }), "text");
  EXPECT_EQ(refused_field([](Request r) {
              r->set_text(std::string(64 * 1024 + 1, 't'));
            }),
            "text");
  EXPECT_EQ(refused_field([](Request r) {
              r->set_type(static_cast<v1::MessageType>(77));
            }),
            "type");
  EXPECT_EQ(refused_field([](Request r) { r->add_attachments(); }),
            "attachments[0].id");
  EXPECT_EQ(refused_field([](Request r) { r->mutable_expire_after(); }),
            "expire_after");
  EXPECT_TRUE(core_.commands().empty());
}

TEST_F(ServerUnaryTest, EveryErrorOfTheCoreLeavesWithItsReason) {
  constexpr struct {
    absl::StatusCode code;
    model::ErrorReason reason;
  } kErrors[] = {
      {absl::StatusCode::kInvalidArgument,
       model::ErrorReason::kInvalidArgument},
      {absl::StatusCode::kNotFound, model::ErrorReason::kNotFound},
      {absl::StatusCode::kResourceExhausted, model::ErrorReason::kOutboxFull},
      {absl::StatusCode::kInvalidArgument,
       model::ErrorReason::kMessageTooLarge},
      {absl::StatusCode::kAlreadyExists,
       model::ErrorReason::kIdempotencyMismatch},
      {absl::StatusCode::kFailedPrecondition,
       model::ErrorReason::kCredentialsRequired},
      {absl::StatusCode::kFailedPrecondition,
       model::ErrorReason::kAccountMismatch},
      {absl::StatusCode::kFailedPrecondition, model::ErrorReason::kNotInRoom},
      {absl::StatusCode::kResourceExhausted, model::ErrorReason::kTooManyRooms},
      {absl::StatusCode::kFailedPrecondition, model::ErrorReason::kWrongState},
      {absl::StatusCode::kUnimplemented,
       model::ErrorReason::kUnsupportedByServer},
      {absl::StatusCode::kResourceExhausted,
       model::ErrorReason::kTooManyRequests},
      {absl::StatusCode::kResourceExhausted, model::ErrorReason::kStoreFull},
      {absl::StatusCode::kUnavailable, model::ErrorReason::kStoreFailed},
      {absl::StatusCode::kUnavailable, model::ErrorReason::kShuttingDown},
  };
  for (const auto& error : kErrors) {
    AnswerWith(model::MakeError(error.code, error.reason, "words"));
    v1::SendMessageResponse response;
    const grpc::Status status = Send(Hello(), &response);
    EXPECT_EQ(static_cast<int>(status.error_code()),
              static_cast<int>(error.code));
    EXPECT_EQ(status.error_message(), "words");
    EXPECT_EQ(ReasonOf(status), model::ErrorReasonName(error.reason));
  }
}

TEST_F(ServerUnaryTest, ABusyCoreIsToldWithATimeToComeBack) {
  core_.SetFull(true);
  v1::SendMessageResponse response;
  const grpc::Status status = Send(Hello(), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(status), "TOO_MANY_REQUESTS");
  EXPECT_TRUE(HasRetryInfo(status));
}

TEST_F(ServerUnaryTest, AnAnswerOfAnotherKindIsAnError) {
  AnswerWith(core::ReplyBody(core::FlushReply{}));
  v1::SendMessageResponse response;
  EXPECT_EQ(Send(Hello(), &response).error_code(), grpc::StatusCode::INTERNAL);
}

TEST_F(ServerUnaryTest, ARequestThatIsTooLargeIsRefused) {
  v1::SendMessageRequest request = Hello();
  request.set_text(std::string(model::kMaxRequestBytes + 1, 't'));
  v1::SendMessageResponse response;
  EXPECT_EQ(Send(request, &response).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(core_.commands().empty());
}

class ListMessagesTest : public ServerUnaryTest {
 protected:
  // The texts of all pages, "|" between two.
  std::string ListAll(v1::ListMessagesRequest request) {
    std::string texts;
    do {
      Call call;
      v1::ListMessagesResponse response;
      const grpc::Status status =
          messages_->ListMessages(&call, request, &response);
      EXPECT_TRUE(status.ok()) << status.error_message();
      if (!status.ok()) return texts;
      for (const auto& message : response.messages()) texts += message.text();
      request.set_page_token(response.next_page_token());
      if (!request.page_token().empty()) texts += "|";
    } while (!request.page_token().empty());
    return texts;
  }
  static v1::ListMessagesRequest Page(int size) {
    v1::ListMessagesRequest request;
    request.set_room("r");
    request.set_page_size(size);
    return request;
  }
  grpc::Status List(const v1::ListMessagesRequest& request) {
    Call call;
    v1::ListMessagesResponse response;
    return messages_->ListMessages(&call, request, &response);
  }
};

TEST_F(ListMessagesTest, PagesGoBackFromTheNewest) {
  for (uint64_t i = 1; i <= 5; ++i) {
    store_.PutMessage("r", i, absl::StrCat(i));
  }
  store_.PutMessage("other", 1, "x");
  EXPECT_EQ(ListAll(Page(2)), "45|23|1");
  EXPECT_EQ(ListAll(Page(5)), "12345");
  EXPECT_EQ(ListAll(Page(0)), "12345");
}

TEST_F(ListMessagesTest, PagesGoBackAlsoThroughMessagesWithoutAnId) {
  store_.PutMessage("r", 1, "1");
  for (int i = 0; i < 5; ++i) {
    store_.PutQueued("r", absl::StrCat("c", i),
                     std::string(1, static_cast<char>('a' + i)));
  }
  EXPECT_EQ(ListAll(Page(2)), "de|bc|1a");
}

TEST_F(ListMessagesTest, BeforeAndAfterAMessage) {
  for (uint64_t i = 1; i <= 7; ++i) {
    store_.PutMessage("r", i, absl::StrCat(i));
  }
  v1::ListMessagesRequest before = Page(2);
  before.set_before_message_id("r-4");
  EXPECT_EQ(ListAll(before), "23|1");
  v1::ListMessagesRequest after = Page(2);
  after.set_after_message_id("r-4");
  EXPECT_EQ(ListAll(after), "56|7");
}

TEST_F(ListMessagesTest, OwnMessagesTellTheirDelivery) {
  store_.PutQueued("r", "c1", "mine");
  Call call;
  v1::ListMessagesResponse response;
  ASSERT_TRUE(messages_->ListMessages(&call, Page(0), &response).ok());
  ASSERT_EQ(response.messages_size(), 1);
  EXPECT_EQ(response.messages(0).client_message_id(), "c1");
  EXPECT_EQ(response.messages(0).message_id(), "");
  EXPECT_EQ(response.messages(0).delivery_state(), v1::DELIVERY_STATE_PENDING);
}

TEST_F(ListMessagesTest, APageOfLongTextsIsCut) {
  const std::string text(64 * 1024, 'x');
  for (uint64_t i = 1; i <= 100; ++i) store_.PutMessage("r", i, text);
  Call call;
  v1::ListMessagesResponse response;
  const grpc::Status status =
      messages_->ListMessages(&call, Page(1000), &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_LT(response.messages_size(), 20);
  EXPECT_FALSE(response.next_page_token().empty());
}

TEST_F(ListMessagesTest, RefusesWhatIsWrong) {
  for (uint64_t i = 1; i <= 3; ++i) store_.PutMessage("r", i, "x");
  EXPECT_EQ(FieldOf(List(v1::ListMessagesRequest())), "room");
  EXPECT_EQ(FieldOf(List(Page(-1))), "page_size");
  v1::ListMessagesRequest request = Page(1);
  request.set_page_token("nonsense");
  EXPECT_EQ(FieldOf(List(request)), "page_token");

  request = Page(1);
  request.set_before_message_id("r-1");
  request.set_after_message_id("r-2");
  EXPECT_EQ(FieldOf(List(request)), "after_message_id");

  request = Page(1);
  request.set_before_message_id("nowhere");
  const grpc::Status status = List(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonOf(status), "NOT_FOUND");

  // A token of one list in another.
  Call call;
  v1::ListMessagesResponse response;
  ASSERT_TRUE(messages_->ListMessages(&call, Page(1), &response).ok());
  request = Page(1);
  request.set_room("r2");
  request.set_page_token(response.next_page_token());
  EXPECT_EQ(FieldOf(List(request)), "page_token");
}

// --- RoomService -------------------------------------------------------------

TEST_F(ServerUnaryTest, JoinRoom) {
  core::RoomReply reply;
  reply.room.room = model::RoomId("general");
  reply.room.join_state = model::JoinState::kPending;
  AnswerWith(core::ReplyBody(reply));
  Call call;
  v1::JoinRoomRequest request;
  request.set_room("general");
  v1::JoinRoomResponse response;
  ASSERT_TRUE(rooms_->JoinRoom(&call, request, &response).ok());
  EXPECT_EQ(response.room().name(), "general");
  EXPECT_EQ(response.room().join_state(), v1::JOIN_STATE_PENDING);
  EXPECT_EQ(LastCommand<core::JoinRoom>().room.value(), "general");

  Call refused;
  EXPECT_EQ(FieldOf(rooms_->JoinRoom(&refused, {}, &response)), "room");
}

TEST_F(ServerUnaryTest, LeaveRoom) {
  Call call;
  v1::LeaveRoomRequest request;
  request.set_room("general");
  v1::LeaveRoomResponse response;
  ASSERT_TRUE(rooms_->LeaveRoom(&call, request, &response).ok());
  EXPECT_EQ(LastCommand<core::LeaveRoom>().room.value(), "general");

  Call refused;
  EXPECT_EQ(FieldOf(rooms_->LeaveRoom(&refused, {}, &response)), "room");
}

TEST_F(ServerUnaryTest, ListRoomsPages) {
  for (const char* name : {"c", "a", "b"}) store_.PutRoom(name);
  std::string names;
  v1::ListRoomsRequest request;
  request.set_page_size(2);
  do {
    Call call;
    v1::ListRoomsResponse response;
    ASSERT_TRUE(rooms_->ListRooms(&call, request, &response).ok());
    for (const auto& room : response.rooms()) names += room.name();
    request.set_page_token(response.next_page_token());
    names += "|";
  } while (!request.page_token().empty());
  EXPECT_EQ(names, "ab|c|");

  Call call;
  v1::ListRoomsResponse response;
  request.set_page_token("nonsense");
  EXPECT_EQ(FieldOf(rooms_->ListRooms(&call, request, &response)),
            "page_token");
}

TEST_F(ServerUnaryTest, GetRoom) {
  store_.PutRoom("general", model::JoinState::kFailed);
  Call call;
  v1::GetRoomRequest request;
  request.set_room("general");
  v1::GetRoomResponse response;
  ASSERT_TRUE(rooms_->GetRoom(&call, request, &response).ok());
  EXPECT_EQ(response.room().name(), "general");
  EXPECT_EQ(response.room().join_state(), v1::JOIN_STATE_FAILED);

  Call missing;
  request.set_room("elsewhere");
  const grpc::Status status = rooms_->GetRoom(&missing, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonOf(status), "NOT_FOUND");
  EXPECT_THAT(status.error_message(), HasSubstr("elsewhere"));
}

// --- OutboxService -----------------------------------------------------------

TEST_F(ServerUnaryTest, ListOutboxPagesAndFilters) {
  store_.PutQueued("a", "a1", "x");
  store_.PutQueued("b", "b1", "x");
  store_.PutQueued("a", "a2", "x");
  store_.PutFailed("a", "a3");
  const auto list = [this](v1::ListOutboxRequest request) {
    std::string ids;
    request.set_page_size(2);
    do {
      Call call;
      v1::ListOutboxResponse response;
      EXPECT_TRUE(outbox_->ListOutbox(&call, request, &response).ok());
      for (const auto& entry : response.entries()) {
        ids += entry.client_message_id();
        EXPECT_EQ(entry.history_size(), 0);
      }
      request.set_page_token(response.next_page_token());
      ids += "|";
    } while (!request.page_token().empty());
    return ids;
  };
  v1::ListOutboxRequest request;
  EXPECT_EQ(list(request), "a1a2|b1a3|");
  request.set_room("a");
  EXPECT_EQ(list(request), "a1a2|a3|");
  request.set_failed_only(true);
  EXPECT_EQ(list(request), "a3|");
}

TEST_F(ServerUnaryTest, ListOutboxRefusesATokenOfAnotherFilter) {
  store_.PutQueued("a", "a1", "x");
  store_.PutQueued("a", "a2", "x");
  v1::ListOutboxRequest request;
  request.set_page_size(1);
  v1::ListOutboxResponse response;
  Call first;
  ASSERT_TRUE(outbox_->ListOutbox(&first, request, &response).ok());
  request.set_page_token(response.next_page_token());
  request.set_room("a");
  Call second;
  EXPECT_EQ(FieldOf(outbox_->ListOutbox(&second, request, &response)),
            "page_token");
}

TEST_F(ServerUnaryTest, GetOutboxEntryHasTheHistory) {
  store_.PutQueued("a", "a1", "words");
  Call call;
  v1::GetOutboxEntryRequest request;
  request.set_client_message_id("a1");
  v1::GetOutboxEntryResponse response;
  ASSERT_TRUE(outbox_->GetOutboxEntry(&call, request, &response).ok());
  EXPECT_EQ(response.entry().text(), "words");
  ASSERT_EQ(response.entry().history_size(), 1);
  EXPECT_EQ(response.entry().history(0).what(), "accepted");
}

TEST_F(ServerUnaryTest, GetOutboxEntrySaysWhatBecameOfOneThatLeft) {
  const auto words_for = [this](absl::string_view id) {
    Call call;
    v1::GetOutboxEntryRequest request;
    request.set_client_message_id(std::string(id));
    v1::GetOutboxEntryResponse response;
    const grpc::Status status =
        outbox_->GetOutboxEntry(&call, request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
    EXPECT_EQ(ReasonOf(status), "NOT_FOUND");
    return status.error_message();
  };
  EXPECT_THAT(words_for("c1"), HasSubstr("no such message was accepted"));
  const auto settle = [this](model::SentRecord::Outcome outcome) {
    store_.Write([outcome](storage::Tables& tables) {
      model::SentRecord record;
      record.client_id = model::ClientMessageId("c1");
      record.room = model::RoomId("a");
      record.outcome = outcome;
      record.message_id = model::MessageId("m1");
      record.settled_at = absl::FromUnixSeconds(1);
      ASSERT_TRUE(tables.PutSent(record).ok());
    });
  };
  settle(model::SentRecord::Outcome::kSent);
  EXPECT_THAT(words_for("c1"), HasSubstr("it was sent, as message m1"));
  settle(model::SentRecord::Outcome::kCancelled);
  EXPECT_THAT(words_for("c1"), HasSubstr("it was cancelled"));
  settle(model::SentRecord::Outcome::kCancelledAfterSend);
  EXPECT_THAT(words_for("c1"), HasSubstr("may have been sent"));
}

TEST_F(ServerUnaryTest, RetryCancelAndFlush) {
  Call retry;
  v1::RetryMessageRequest retry_request;
  retry_request.set_client_message_id("c1");
  v1::RetryMessageResponse retry_response;
  ASSERT_TRUE(
      outbox_->RetryMessage(&retry, retry_request, &retry_response).ok());
  EXPECT_EQ(LastCommand<core::RetryMessage>().client_id.value(), "c1");

  AnswerWith(core::ReplyBody(core::CancelReply{
      model::CancelOutcome::kPossiblySent, model::MessageId("m1")}));
  Call cancel;
  v1::CancelMessageRequest cancel_request;
  cancel_request.set_client_message_id("c2");
  v1::CancelMessageResponse cancel_response;
  ASSERT_TRUE(
      outbox_->CancelMessage(&cancel, cancel_request, &cancel_response).ok());
  EXPECT_EQ(cancel_response.outcome(), v1::CANCEL_OUTCOME_POSSIBLY_SENT);
  EXPECT_EQ(cancel_response.message_id(), "m1");
  EXPECT_EQ(LastCommand<core::CancelMessage>().client_id.value(), "c2");

  AnswerWith(core::ReplyBody(core::FlushReply{7}));
  Call flush;
  v1::FlushOutboxResponse flush_response;
  ASSERT_TRUE(outbox_->FlushOutbox(&flush, {}, &flush_response).ok());
  EXPECT_EQ(flush_response.queued(), 7);
}

TEST_F(ServerUnaryTest, OutboxMethodsRefuseWhatIsNoId) {
  Call get;
  v1::GetOutboxEntryResponse entry;
  EXPECT_EQ(FieldOf(outbox_->GetOutboxEntry(&get, {}, &entry)),
            "client_message_id");
  Call retry;
  v1::RetryMessageResponse retried;
  EXPECT_EQ(FieldOf(outbox_->RetryMessage(&retry, {}, &retried)),
            "client_message_id");
  Call cancel;
  v1::CancelMessageResponse cancelled;
  EXPECT_EQ(FieldOf(outbox_->CancelMessage(&cancel, {}, &cancelled)),
            "client_message_id");
  EXPECT_TRUE(core_.commands().empty());
}

}  // namespace
}  // namespace parley::rpc
