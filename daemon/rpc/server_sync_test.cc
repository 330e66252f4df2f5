// SyncService over a real socket.

#include <string>
#include <utility>
#include <variant>

#include "absl/time/time.h"
#include "daemon/model/errors.h"
#include "daemon/model/sync.h"
#include "daemon/rpc/testing/edge_fixture.h"
#include "gtest/gtest.h"

namespace parley::rpc {
namespace {

namespace v1 = ::parley::v1;

model::SyncStatus Running(uint32_t progress) {
  model::SyncStatus status;
  status.phase = model::SyncPhase::kRunning;
  status.trigger = model::SyncTrigger::kRequest;
  status.run = 7;
  status.progress = progress;
  return status;
}

class ServerSyncTest : public EdgeTest {
 protected:
  void SetUp() override { StartServer(); }

  grpc::Status Start(const v1::StartSyncRequest& request,
                     v1::StartSyncResponse* response) {
    Call call;
    return sync_->StartSync(&call, request, response);
  }
  core::StartSync LastStart() {
    const auto commands = core_.commands();
    EXPECT_FALSE(commands.empty());
    return std::get<core::StartSync>(commands.back());
  }
};

TEST_F(ServerSyncTest, StartSyncReachesTheCoreWhole) {
  AnswerWith(core::ReplyBody(core::SyncReply{Running(12)}));
  v1::StartSyncRequest request;
  v1::StartSyncResponse response;
  ASSERT_TRUE(Start(request, &response).ok());
  EXPECT_EQ(response.state().phase(), v1::SYNC_PHASE_RUNNING);
  EXPECT_EQ(response.state().trigger(), v1::SYNC_TRIGGER_REQUEST);
  EXPECT_EQ(response.state().run(), 7);
  EXPECT_EQ(response.state().progress_percent(), 12);
  EXPECT_TRUE(LastStart().room.empty());
  EXPECT_FALSE(LastStart().deadline.has_value());

  request.set_room("general");
  request.mutable_deadline()->set_seconds(30);
  ASSERT_TRUE(Start(request, &response).ok());
  EXPECT_EQ(LastStart().room.value(), "general");
  EXPECT_EQ(LastStart().deadline, absl::Seconds(30));
}

TEST_F(ServerSyncTest, StartSyncIsValidatedBeforeTheCoreSeesIt) {
  v1::StartSyncResponse response;
  v1::StartSyncRequest request;
  request.set_room(std::string(256, 'r'));
  EXPECT_EQ(FieldOf(Start(request, &response)), "room");
  request.set_room("general");
  request.mutable_deadline();  // none at all
  EXPECT_EQ(FieldOf(Start(request, &response)), "deadline");
  request.mutable_deadline()->set_seconds(24 * 60 * 60 + 1);
  EXPECT_EQ(FieldOf(Start(request, &response)), "deadline");
  EXPECT_TRUE(core_.commands().empty());
}

TEST_F(ServerSyncTest, TheCoresRefusalLeavesWithItsReason) {
  AnswerWith(model::MakeError(absl::StatusCode::kUnimplemented,
                              model::ErrorReason::kUnsupportedByServer,
                              "the server keeps no history"));
  v1::StartSyncResponse response;
  const grpc::Status status = Start({}, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(ReasonOf(status), "UNSUPPORTED_BY_SERVER");
  EXPECT_EQ(status.error_message(), "the server keeps no history");
}

TEST_F(ServerSyncTest, CancelSync) {
  model::SyncStatus cancelled = Running(40);
  cancelled.phase = model::SyncPhase::kCancelled;
  AnswerWith(core::ReplyBody(core::SyncReply{cancelled}));
  Call call;
  v1::CancelSyncResponse response;
  ASSERT_TRUE(sync_->CancelSync(&call, {}, &response).ok());
  EXPECT_EQ(response.state().phase(), v1::SYNC_PHASE_CANCELLED);
  EXPECT_EQ(response.state().progress_percent(), 40);
  ASSERT_EQ(core_.commands().size(), 1u);
  EXPECT_TRUE(
      std::holds_alternative<core::CancelSync>(core_.commands().back()));
}

TEST_F(ServerSyncTest, GetSyncStateNamesTheRoomsThatFailed) {
  core::StatusReply reply;
  reply.status.sync = Running(50);
  reply.status.sync.errors = {{model::RoomId("general"), "FORBIDDEN: no"}};
  AnswerWith(core::ReplyBody(reply));
  Call call;
  v1::GetSyncStateResponse response;
  ASSERT_TRUE(sync_->GetSyncState(&call, {}, &response).ok());
  EXPECT_EQ(response.state().progress_percent(), 50);
  ASSERT_EQ(response.state().errors_size(), 1);
  EXPECT_EQ(response.state().errors(0).room(), "general");
  EXPECT_EQ(response.state().errors(0).error(), "FORBIDDEN: no");
}

TEST_F(ServerSyncTest, GetSyncStateAnswersWhileTheStoreIsDown) {
  const absl::Status full =
      model::MakeError(absl::StatusCode::kResourceExhausted,
                       model::ErrorReason::kStoreFull, "the disk is full");
  AnswerWith(full);
  v1::GetSyncStateResponse response;
  Call before;  // nothing is known yet
  EXPECT_EQ(ReasonOf(sync_->GetSyncState(&before, {}, &response)),
            "STORE_FULL");

  model::CoreStatus core;
  core.sync = Running(30);
  server_->OnStatus(core);
  ASSERT_TRUE(WaitFor([&] {
    Call call;
    return sync_->GetSyncState(&call, {}, &response).ok();
  }));
  EXPECT_EQ(response.state().progress_percent(), 30);
}

TEST_F(ServerSyncTest, WatchSyncTellsTheStateThenEachChangeOfIt) {
  Call call;
  const auto reader = sync_->WatchSync(&call, {});
  model::CoreStatus core;
  server_->OnStatus(core);  // before this there is nothing to tell
  v1::WatchSyncResponse response;
  ASSERT_TRUE(reader->Read(&response));
  ASSERT_EQ(response.updates_size(), 1);
  EXPECT_EQ(response.updates(0).phase(), v1::SYNC_PHASE_IDLE);
  EXPECT_FALSE(response.caught_up());
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_TRUE(response.caught_up());
  EXPECT_EQ(response.updates_size(), 0);

  // What changes beside it is not news: the run is the next that is told.
  core.connection.attempt = 1;
  server_->OnStatus(core);
  server_->OnStoreStatus(absl::UnavailableError("recovering"));
  core.sync = Running(10);
  server_->OnStatus(core);
  ASSERT_TRUE(reader->Read(&response));
  ASSERT_EQ(response.updates_size(), 1);
  EXPECT_EQ(response.updates(0).phase(), v1::SYNC_PHASE_RUNNING);
  EXPECT_EQ(response.updates(0).progress_percent(), 10);

  core.sync.phase = model::SyncPhase::kCompleted;
  server_->OnStatus(core);
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.updates(0).phase(), v1::SYNC_PHASE_COMPLETED);
  call.TryCancel();
}

TEST_F(ServerSyncTest, AWatcherThatComesLaterIsToldHowItStands) {
  model::CoreStatus core;
  core.sync = Running(60);
  server_->OnStatus(core);
  Call call;
  const auto reader = sync_->WatchSync(&call, {});
  v1::WatchSyncResponse response;
  ASSERT_TRUE(reader->Read(&response));
  ASSERT_EQ(response.updates_size(), 1);
  EXPECT_EQ(response.updates(0).progress_percent(), 60);
  call.TryCancel();
}

}  // namespace
}  // namespace parley::rpc
