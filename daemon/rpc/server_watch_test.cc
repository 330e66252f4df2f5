// The watch streams over a real socket.

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/model/errors.h"
#include "daemon/rpc/stream_call.h"
#include "daemon/rpc/testing/edge_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::rpc {
namespace {

namespace v1 = ::parley::v1;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// What a stream has said, told as words: the names of rooms ("-name" for one
// that left), "caught up", "fresh".
class RoomWatcher {
 public:
  explicit RoomWatcher(v1::RoomService::Stub* stub,
                       const std::string& token = "") {
    v1::WatchRoomsRequest request;
    request.set_resume_token(token);
    reader_ = stub->WatchRooms(&call_, request);
  }
  ~RoomWatcher() { call_.TryCancel(); }

  // The words of the next response; when there is none, "end: " and why.
  std::vector<std::string> Next() {
    v1::WatchRoomsResponse response;
    if (!reader_->Read(&response)) {
      if (!status_.has_value()) status_ = reader_->Finish();
      return {absl::StrCat("end: ", status_->error_code(), " ",
                           status_->error_message())};
    }
    token_ = response.resume_token();
    std::vector<std::string> words;
    if (response.fresh()) words.push_back("fresh");
    for (const v1::RoomUpdate& update : response.updates()) {
      words.push_back(update.has_room() ? update.room().name()
                                        : "-" + update.removed_room());
    }
    if (response.caught_up()) words.push_back("caught up");
    return words;
  }
  // Of a stream whose end was read.
  const grpc::Status& status() const { return *status_; }
  const std::string& token() const { return token_; }
  Call* call() { return &call_; }

 private:
  Call call_;
  std::unique_ptr<grpc::ClientReader<v1::WatchRoomsResponse>> reader_;
  std::optional<grpc::Status> status_;
  std::string token_;
};

class ServerWatchTest : public EdgeTest {
 protected:
  void RemoveRoom(const std::string& name) {
    store_.Write([&](storage::Tables& tables) {
      ASSERT_TRUE(tables.RemoveRoom(model::RoomId(name)).ok());
    });
  }
  int OpenStreams() {
    Call call;
    v1::GetStatusResponse response;
    EXPECT_TRUE(daemon_->GetStatus(&call, {}, &response).ok());
    return response.status().clients().streams();
  }
};

TEST_F(ServerWatchTest, SnapshotThenCaughtUpThenChanges) {
  StartServer();
  store_.PutRoom("a");
  store_.PutRoom("b");
  RoomWatcher watcher(rooms_.get());
  EXPECT_THAT(watcher.Next(), ElementsAre("fresh", "a", "b"));
  EXPECT_THAT(watcher.Next(), ElementsAre("caught up"));
  store_.PutRoom("c");
  Announce();
  EXPECT_THAT(watcher.Next(), ElementsAre("c"));
  RemoveRoom("a");
  Announce();
  EXPECT_THAT(watcher.Next(), ElementsAre("-a"));
}

TEST_F(ServerWatchTest, ResumesWithTheLastToken) {
  StartServer();
  store_.PutRoom("a");
  std::string token;
  {
    RoomWatcher watcher(rooms_.get());
    watcher.Next();
    watcher.Next();
    token = watcher.token();
  }
  store_.PutRoom("b");
  RoomWatcher watcher(rooms_.get(), token);
  EXPECT_THAT(watcher.Next(), ElementsAre("b"));
  EXPECT_THAT(watcher.Next(), ElementsAre("caught up"));
  RoomWatcher nothing_missed(rooms_.get(), watcher.token());
  EXPECT_THAT(nothing_missed.Next(), ElementsAre("caught up"));
}

TEST_F(ServerWatchTest, TokenOfAnotherStoreStartsAfresh) {
  TestStore other("store-2");
  auto token = storage::MakeResumeToken(other.store(), model::ChangeSeq(1));
  ASSERT_TRUE(token.ok());
  StartServer();
  store_.PutRoom("a");
  RoomWatcher watcher(rooms_.get(), storage::EncodeResumeToken(*token));
  EXPECT_THAT(watcher.Next(), ElementsAre("fresh", "a"));
}

TEST_F(ServerWatchTest, WhatIsNoTokenIsRefused) {
  StartServer();
  RoomWatcher watcher(rooms_.get(), "nonsense");
  EXPECT_THAT(watcher.Next(), ElementsAre(StartsWith("end")));
  const grpc::Status status = watcher.status();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldOf(status), "resume_token");
}

TEST_F(ServerWatchTest, WatchMessagesOfOneRoom) {
  StartServer();
  store_.PutMessage("a", 1, "one");
  store_.PutMessage("b", 1, "elsewhere");
  Call call;
  v1::WatchMessagesRequest request;
  request.set_room("a");
  const auto reader = messages_->WatchMessages(&call, request);
  v1::WatchMessagesResponse response;
  ASSERT_TRUE(reader->Read(&response));
  ASSERT_EQ(response.updates_size(), 1);
  EXPECT_EQ(response.updates(0).message().text(), "one");
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_TRUE(response.caught_up());

  store_.PutMessage("b", 2, "elsewhere");
  store_.PutQueued("a", "c1", "two");
  Announce();
  ASSERT_TRUE(reader->Read(&response));
  ASSERT_EQ(response.updates_size(), 2);
  EXPECT_EQ(response.updates(0).delivery().client_message_id(), "c1");
  EXPECT_EQ(response.updates(0).delivery().state(), v1::DELIVERY_STATE_PENDING);
  EXPECT_EQ(response.updates(1).message().text(), "two");
  EXPECT_EQ(response.updates(1).message().delivery_state(),
            v1::DELIVERY_STATE_PENDING);

  store_.RemoveQueued("c1");
  Announce();
  ASSERT_TRUE(reader->Read(&response));
  ASSERT_EQ(response.updates_size(), 1);
  EXPECT_EQ(response.updates(0).removed().client_message_id(), "c1");
  EXPECT_EQ(response.updates(0).removed().room(), "a");
  call.TryCancel();
}

TEST_F(ServerWatchTest, WatchOutbox) {
  StartServer();
  store_.PutQueued("a", "c1", "one");
  Call call;
  const auto reader = outbox_->WatchOutbox(&call, {});
  v1::WatchOutboxResponse response;
  ASSERT_TRUE(reader->Read(&response));
  ASSERT_EQ(response.updates_size(), 1);
  EXPECT_EQ(response.updates(0).entry().client_message_id(), "c1");
  EXPECT_EQ(response.updates(0).entry().history_size(), 0);
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_TRUE(response.caught_up());
  store_.RemoveQueued("c1");
  Announce();
  ASSERT_TRUE(reader->Read(&response));
  ASSERT_EQ(response.updates_size(), 1);
  EXPECT_EQ(response.updates(0).removed().client_message_id(), "c1");
  EXPECT_EQ(response.updates(0).removed().room(), "a");
  call.TryCancel();
}

TEST_F(ServerWatchTest, SnapshotOfTheOutboxLeavesOutWhatWasSent) {
  StartServer();
  store_.PutQueued("a", "sent", "one");
  store_.RemoveQueued("sent");
  store_.PutQueued("a", "c1", "two");
  Call call;
  const auto reader = outbox_->WatchOutbox(&call, {});
  v1::WatchOutboxResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_TRUE(response.fresh());
  ASSERT_EQ(response.updates_size(), 1);
  EXPECT_EQ(response.updates(0).entry().client_message_id(), "c1");
  call.TryCancel();
}

TEST_F(ServerWatchTest, FiltersAreValidated) {
  StartServer();
  const std::string wrong(256, 'r');
  Call messages_call;
  v1::WatchMessagesRequest messages_request;
  messages_request.set_room(wrong);
  EXPECT_EQ(
      FieldOf(
          messages_->WatchMessages(&messages_call, messages_request)->Finish()),
      "room");
  Call outbox_call;
  v1::WatchOutboxRequest outbox_request;
  outbox_request.set_room(wrong);
  EXPECT_EQ(
      FieldOf(outbox_->WatchOutbox(&outbox_call, outbox_request)->Finish()),
      "room");
}

TEST_F(ServerWatchTest, ALongSnapshotComesInPages) {
  StartServer();
  const std::string text(64 * 1024, 'x');
  for (uint64_t i = 1; i <= 64; ++i) store_.PutMessage("r", i, text);
  Call call;
  const auto reader = messages_->WatchMessages(&call, {});
  v1::WatchMessagesResponse response;
  int messages = 0;
  int pages = 0;
  while (!response.caught_up() && reader->Read(&response)) {
    messages += response.updates_size();
    ++pages;
    EXPECT_LT(response.ByteSizeLong(), 512u * 1024);
    EXPECT_EQ(response.fresh(), pages == 1);
  }
  EXPECT_EQ(messages, 64);
  EXPECT_GE(pages, 16);
  call.TryCancel();
}

TEST_F(ServerWatchTest, WatchStatusTellsTheNewest) {
  StartServer();
  Call call;
  const auto reader = daemon_->WatchStatus(&call, {});
  model::CoreStatus core;
  core.connection.state = model::ConnectionState::kConnecting;
  server_->OnStatus(core);  // before this there is nothing to tell
  v1::WatchStatusResponse response;
  ASSERT_TRUE(reader->Read(&response));
  ASSERT_EQ(response.updates_size(), 1);
  EXPECT_EQ(response.updates(0).connection().state(),
            v1::CONNECTION_STATE_CONNECTING);
  EXPECT_EQ(response.updates(0).version(), "1.2.3");
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_TRUE(response.caught_up());
  EXPECT_EQ(response.updates_size(), 0);

  // However many there were, the last one is told.
  for (uint32_t attempt = 1; attempt <= 1000; ++attempt) {
    core.connection.attempt = attempt;
    server_->OnStatus(core);
  }
  do {
    ASSERT_TRUE(reader->Read(&response));
    ASSERT_EQ(response.updates_size(), 1);
  } while (response.updates(0).connection().failed_attempts() < 1000);

  server_->OnStoreStatus(model::MakeError(absl::StatusCode::kUnavailable,
                                          model::ErrorReason::kStoreFailed,
                                          "recovering"));
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.updates(0).store().state(), v1::STORE_STATE_FAILED);
  call.TryCancel();
}

TEST_F(ServerWatchTest, ACancelledStreamIsForgotten) {
  StartServer();
  RoomWatcher watcher(rooms_.get());
  watcher.Next();
  EXPECT_EQ(OpenStreams(), 1);
  watcher.call()->TryCancel();
  EXPECT_TRUE(WaitFor([&] { return OpenStreams() == 0; }));
  store_.PutRoom("a");
  Announce();
}

TEST_F(ServerWatchTest, AStreamCancelledInTheMiddleOfItsSnapshotIsForgotten) {
  StartServer();
  const std::string text(64 * 1024, 'x');
  for (uint64_t i = 1; i <= 200; ++i) store_.PutMessage("r", i, text);
  Call call;
  const auto reader = messages_->WatchMessages(&call, {});
  v1::WatchMessagesResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(OpenStreams(), 1);
  call.TryCancel();
  EXPECT_TRUE(WaitFor([&] { return OpenStreams() == 0; }));
}

TEST_F(ServerWatchTest, AClientThatDiesIsForgotten) {
  StartServer();
  auto channel = Connect();
  auto stub = v1::RoomService::NewStub(channel);
  auto watcher = std::make_unique<RoomWatcher>(stub.get());
  watcher->Next();
  EXPECT_EQ(OpenStreams(), 1);
  watcher.reset();
  stub.reset();
  channel.reset();
  EXPECT_TRUE(WaitFor([&] { return OpenStreams() == 0; }));
}

TEST_F(ServerWatchTest, AStoreThatFailsEndsTheStreamWithItsReason) {
  StartServer();
  RoomWatcher watcher(rooms_.get());
  watcher.Next();
  store_.SetDown(model::MakeError(absl::StatusCode::kUnavailable,
                                  model::ErrorReason::kStoreFailed,
                                  "recovering"));
  Announce();
  EXPECT_THAT(watcher.Next(), ElementsAre(StartsWith("end")));
  EXPECT_EQ(ReasonOf(watcher.status()), "STORE_FAILED");
}

TEST_F(ServerWatchTest, FilteredWatcherGetsBookmarks) {
  options_.streams.bookmark_after = absl::Milliseconds(20);
  options_.streams.sweep_interval = absl::Milliseconds(10);
  StartServer();
  RoomWatcher watcher(rooms_.get());
  EXPECT_THAT(watcher.Next(), ElementsAre("fresh", "caught up"));
  const std::string before = watcher.token();
  store_.PutMessage("r", 1, "not for this watcher");
  Announce();
  EXPECT_THAT(watcher.Next(), IsEmpty());
  EXPECT_NE(watcher.token(), before);
}

// --- Slow clients ------------------------------------------------------------

class SlowClientTest : public ServerWatchTest {
 protected:
  SlowClientTest() {
    options_.streams.lag_timeout = absl::Milliseconds(300);
    options_.streams.sweep_interval = absl::Milliseconds(50);
  }
  // More than gRPC buffers for a client that does not read.
  void FillRoom() {
    const std::string text(64 * 1024, 'x');
    for (uint64_t i = 1; i <= 200; ++i) store_.PutMessage("r", i, text);
  }
};

TEST_F(SlowClientTest, IsToldThatItLaggedAndWhereToGoOn) {
  StartServer();
  FillRoom();
  Call call;
  const auto reader = messages_->WatchMessages(&call, {});
  v1::WatchMessagesResponse response;
  ASSERT_TRUE(reader->Read(&response));
  std::set<std::string> seen;
  const auto note = [&seen](const v1::WatchMessagesResponse& page) {
    for (const auto& update : page.updates()) {
      seen.insert(update.message().message_id());
    }
  };
  note(response);
  ASSERT_TRUE(WaitFor([&] { return OpenStreams() == 0; }));
  while (reader->Read(&response)) note(response);
  const grpc::Status status = reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED)
      << status.error_message();
  EXPECT_EQ(ReasonOf(status), "CONSUMER_LAGGED");
  EXPECT_LT(seen.size(), 200u);

  const auto& trailers = call.GetServerTrailingMetadata();
  const auto token = trailers.find(kResumeTokenKey);
  ASSERT_NE(token, trailers.end());
  // With it, nothing is missed.
  Call again;
  v1::WatchMessagesRequest request;
  request.set_resume_token(
      std::string(token->second.data(), token->second.size()));
  const auto resumed = messages_->WatchMessages(&again, request);
  do {
    ASSERT_TRUE(resumed->Read(&response));
    EXPECT_FALSE(response.fresh());
    note(response);
  } while (!response.caught_up());
  EXPECT_EQ(seen.size(), 200u);
  again.TryCancel();
}

TEST_F(SlowClientTest, IsCutOffWhenItNeverReads) {
  options_.streams.cut_off_after = absl::Milliseconds(300);
  options_.streams.max_streams = 1;
  StartServer();
  FillRoom();
  Call call;
  const auto reader = messages_->WatchMessages(&call, {});
  ASSERT_TRUE(WaitFor([&] { return OpenStreams() == 1; }));
  // Its place is free again only once nothing of it is left.
  EXPECT_TRUE(WaitFor([&] {
    RoomWatcher next(rooms_.get());
    return next.Next()[0] == "fresh";
  }));
}

TEST_F(SlowClientTest, AHundredOfThemDelayNobody) {
  options_.streams.lag_timeout = absl::Minutes(1);
  StartServer();
  FillRoom();
  std::vector<std::unique_ptr<Call>> calls;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::WatchMessagesResponse>>>
      stalled;
  for (int i = 0; i < 100; ++i) {
    calls.push_back(std::make_unique<Call>());
    stalled.push_back(messages_->WatchMessages(calls.back().get(), {}));
  }
  ASSERT_TRUE(WaitFor([&] { return OpenStreams() == 100; }));

  // On the same connection, a stream and a call that read are served.
  RoomWatcher watcher(rooms_.get());
  EXPECT_THAT(watcher.Next(), ElementsAre("fresh", "caught up"));
  for (int i = 0; i < 20; ++i) {
    store_.PutRoom(absl::StrCat("room", i));
    Announce();
    EXPECT_THAT(watcher.Next(), ElementsAre(absl::StrCat("room", i)));
  }
  // One that wakes up gets all of it.
  v1::WatchMessagesResponse response;
  int messages = 0;
  while (!response.caught_up() && stalled[50]->Read(&response)) {
    messages += response.updates_size();
  }
  EXPECT_EQ(messages, 200);
  for (const auto& call : calls) call->TryCancel();
}

TEST_F(ServerWatchTest, OneStreamTooManyIsRefused) {
  options_.streams.max_streams = 2;
  StartServer();
  auto first = std::make_unique<RoomWatcher>(rooms_.get());
  RoomWatcher second(rooms_.get());
  first->Next();
  second.Next();
  {
    RoomWatcher third(rooms_.get());
    EXPECT_THAT(third.Next(), ElementsAre(StartsWith("end")));
    const grpc::Status status = third.status();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_EQ(ReasonOf(status), "TOO_MANY_REQUESTS");
    EXPECT_TRUE(HasRetryInfo(status));
  }
  first.reset();
  ASSERT_TRUE(WaitFor([&] { return OpenStreams() == 1; }));
  RoomWatcher fourth(rooms_.get());
  EXPECT_THAT(fourth.Next(), ElementsAre("fresh", "caught up"));
}

}  // namespace
}  // namespace parley::rpc
