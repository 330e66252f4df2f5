// Daemons on a server of the plugin dialect: what such a server can do works,
// what it cannot do is said, and nothing that is sent does it any harm.

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "clients/cpp/testing/temp_dir.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "parley/v1/message.pb.h"
#include "parley/v1/message_service.pb.h"
#include "parley/v1/outbox.pb.h"
#include "parley/v1/room.pb.h"
#include "parley/v1/status.pb.h"
#include "tests/integration/harness/calls.h"
#include "tests/integration/harness/daemon.h"
#include "tests/integration/harness/realtime_server.h"
#include "tests/integration/harness/tcp_proxy.h"
#include "tests/integration/harness/test_bed.h"
#include "tests/integration/harness/wait_for.h"
#include "tests/integration/plugin_frames.h"

namespace parley::integration {
namespace {

using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kRoom[] = "general";

std::vector<std::string> Numbered(const std::string& prefix, int first,
                                  int last) {
  std::vector<std::string> texts;
  for (int i = first; i <= last; ++i) texts.push_back(absl::StrCat(prefix, i));
  return texts;
}

// What a stream says, in the order of first mention. Each message must be
// mentioned only once.
std::vector<std::string> Watch(Daemon& daemon, size_t count) {
  grpc::ClientContext call;
  call.set_wait_for_ready(true);
  call.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
  v1::WatchMessagesRequest request;
  request.set_room(kRoom);
  const auto reader = daemon.client().messages().WatchMessages(&call, request);
  std::vector<std::string> texts;
  v1::WatchMessagesResponse response;
  while (texts.size() < count && reader->Read(&response)) {
    for (const v1::MessageUpdate& update : response.updates()) {
      if (update.has_message()) texts.push_back(update.message().text());
    }
  }
  call.TryCancel();
  reader->Finish();
  return texts;
}

class PluginTest : public ::testing::Test {
 protected:
  PluginTest()
      : frames_(dir_.path() + "/frames"),
        bed_({"--dialect", "plugin", "--record-frames", frames_,
              "--ready-delay", "100", "--log-level", "info"}) {}

  void SetUp() override {
    ASSERT_OK(bed_.server().Start());
    proxy_ = std::make_unique<TcpProxy>(bed_.server().port());
    alice_ = &bed_.AddDaemon("alice");
    alice_->options().server_url =
        absl::StrCat("http://127.0.0.1:", proxy_->port());
    bob_ = &bed_.AddDaemon("bob");
  }

  // The server would have survived all of it.
  void TearDown() override {
    const std::vector<RecordedFrame> frames = ReadFrames(frames_);
    EXPECT_FALSE(frames.empty());
    EXPECT_THAT(FindOffences(frames), IsEmpty());
    const std::string log = ReadTextFile(bed_.dir() + "/server.log");
    EXPECT_FALSE(absl::StrContains(log, "fatal:")) << log;
    EXPECT_FALSE(absl::StrContains(log, "lost an event")) << log;
  }

  static Calls CallsTo(Daemon* daemon) { return Calls(&daemon->client()); }

  // The server has let it into the room on this connection.
  static absl::Status WaitUntilJoined(Daemon* daemon) {
    return CallsTo(daemon).WaitUntil([](const v1::DaemonStatus& status) {
      return status.connection().state() == v1::CONNECTION_STATE_READY &&
             status.rooms().joined() == 1;
    });
  }

  static absl::Status StartInRoom(Daemon* daemon) {
    absl::Status status = daemon->Start();
    if (status.ok()) status = CallsTo(daemon).Join(kRoom);
    if (status.ok()) status = WaitUntilJoined(daemon);
    return status;
  }

  void SendAll(Daemon* daemon, const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      ASSERT_OK(CallsTo(daemon).Send(kRoom, text));
    }
  }

  // The texts of the room as the daemon lists them, once there are so many.
  std::vector<std::string> Texts(Daemon* daemon, size_t count) {
    std::vector<std::string> texts;
    WaitFor([&] {
      const auto messages = CallsTo(daemon).Messages(kRoom);
      EXPECT_TRUE(messages.ok()) << messages.status();
      if (!messages.ok()) return true;
      texts.clear();
      for (const v1::Message& message : *messages) {
        texts.push_back(message.text());
      }
      return texts.size() >= count;
    });
    return texts;
  }

  // The server is not to be reached, and comes back as another process: first
  // for bob. It keeps nothing, so whoever is to get a message must be there.
  void RestartServer() {
    proxy_->SetMode(TcpProxy::Mode::kClose);
    bed_.server().Kill();
    ASSERT_OK(bed_.server().Start());
    ASSERT_OK(CallsTo(bob_).Connect());
    ASSERT_OK(WaitUntilJoined(bob_));
    proxy_->SetMode(TcpProxy::Mode::kForward);
    ASSERT_OK(CallsTo(alice_).Connect());
  }

  client::TempDir dir_;
  const std::string frames_;
  TestBed bed_;
  std::unique_ptr<TcpProxy> proxy_;
  Daemon* alice_ = nullptr;
  Daemon* bob_ = nullptr;
};

TEST_F(PluginTest, MessagesFlowBothWays) {
  ASSERT_OK(StartInRoom(alice_));
  ASSERT_OK(StartInRoom(bob_));
  std::vector<std::string> all;
  for (int i = 1; i <= 10; ++i) {
    Daemon* speaker = i % 2 == 1 ? alice_ : bob_;
    Daemon* listener = i % 2 == 1 ? bob_ : alice_;
    all.push_back(absl::StrCat("message ", i, " \"é😀\""));
    ASSERT_OK(CallsTo(speaker).Send(kRoom, all.back(), absl::StrCat("m", i)));
    ASSERT_THAT(Texts(listener, all.size()), ElementsAreArray(all));
    ASSERT_OK(CallsTo(speaker).WaitUntilSent());
    ASSERT_THAT(Texts(speaker, all.size()), ElementsAreArray(all));
  }
  std::vector<v1::Message> messages;
  EXPECT_TRUE(WaitFor([&] {
    messages = CallsTo(bob_).Messages(kRoom).value_or(messages);
    return !messages.empty() &&
           messages.back().delivery_state() == v1::DELIVERY_STATE_SENT;
  }));
  for (size_t i = 0; i < messages.size(); ++i) {
    EXPECT_EQ(messages[i].sender(), i % 2 == 0 ? "alice" : "bob");
    EXPECT_EQ(messages[i].client_message_id(), absl::StrCat("m", i + 1));
    EXPECT_FALSE(messages[i].possible_duplicate());
    EXPECT_EQ(messages[i].delivery_state(), i % 2 == 0
                                                ? v1::DELIVERY_STATE_UNSPECIFIED
                                                : v1::DELIVERY_STATE_SENT);
  }
}

// Each names its messages by itself, so names may repeat between people.
TEST_F(PluginTest, TwoPeopleUseTheSameClientMessageIds) {
  ASSERT_OK(StartInRoom(alice_));
  ASSERT_OK(StartInRoom(bob_));
  std::vector<std::string> all;
  for (int i = 1; i <= 3; ++i) {
    for (Daemon* speaker : {alice_, bob_}) {
      Daemon* listener = speaker == alice_ ? bob_ : alice_;
      all.push_back(absl::StrCat("message ", all.size() + 1));
      ASSERT_OK(CallsTo(speaker).Send(kRoom, all.back(), absl::StrCat("m", i)));
      ASSERT_THAT(Texts(listener, all.size()), ElementsAreArray(all));
      ASSERT_THAT(Texts(speaker, all.size()), ElementsAreArray(all));
    }
  }
}

TEST_F(PluginTest, FiftyQueuedMessagesArriveInOrderOnce) {
  ASSERT_OK(StartInRoom(bob_));
  proxy_->SetMode(TcpProxy::Mode::kClose);
  ASSERT_OK(alice_->Start());
  ASSERT_OK(CallsTo(alice_).Join(kRoom));
  const std::vector<std::string> texts = Numbered("queued ", 1, 50);
  SendAll(alice_, texts);
  std::vector<std::string> watched;
  std::thread watcher([&] { watched = Watch(*bob_, texts.size()); });
  proxy_->SetMode(TcpProxy::Mode::kForward);
  EXPECT_TRUE(CallsTo(alice_).Connect().ok());
  const absl::Status sent = CallsTo(alice_).WaitUntilSent();
  EXPECT_TRUE(sent.ok()) << sent;
  watcher.join();
  EXPECT_THAT(watched, ElementsAreArray(texts));
  EXPECT_THAT(Texts(bob_, texts.size()), ElementsAreArray(texts));
  EXPECT_THAT(Texts(alice_, texts.size()), ElementsAreArray(texts));
}

TEST_F(PluginTest, TheServerRestartsInTheMiddle) {
  ASSERT_OK(StartInRoom(bob_));
  ASSERT_OK(StartInRoom(alice_));
  const std::vector<std::string> texts = Numbered("message ", 1, 60);
  std::thread sender([&] { SendAll(alice_, texts); });
  EXPECT_GE(Texts(bob_, 10).size(), 10u);
  RestartServer();
  sender.join();
  ASSERT_OK(CallsTo(alice_).WaitUntilSent());
  EXPECT_THAT(Texts(bob_, texts.size()), ElementsAreArray(texts));
  EXPECT_THAT(Texts(alice_, texts.size()), ElementsAreArray(texts));
  EXPECT_TRUE(WaitFor([&] {
    const auto outbox = CallsTo(alice_).Outbox();
    return outbox.ok() && outbox->empty();
  }));
}

// The connection ends with a message on its way: nobody can know whether it
// arrived. It goes out again, with its mark, and bob has it once.
TEST_F(PluginTest, AMessageInDoubtIsSentAgainAndSeenOnce) {
  ASSERT_OK(StartInRoom(bob_));
  ASSERT_OK(StartInRoom(alice_));
  std::vector<std::string> texts;
  for (int cut = 1; cut <= 5; ++cut) {
    // Within the answer, after the frame has arrived.
    proxy_->CutAfterBytesToClient(60 * cut);
    for (const std::string& text : Numbered(absl::StrCat(cut, "."), 1, 4)) {
      texts.push_back(text);
      ASSERT_OK(CallsTo(alice_).Send(kRoom, text));
    }
    ASSERT_OK(CallsTo(alice_).WaitUntil([&](const v1::DaemonStatus& status) {
      if (status.connection().state() == v1::CONNECTION_STATE_WAITING) {
        EXPECT_TRUE(CallsTo(alice_).Connect().ok());
      }
      return status.connection().state() == v1::CONNECTION_STATE_READY &&
             status.outbox().queued() == 0;
    }));
  }
  EXPECT_GT(proxy_->stats().accepted, 1u);
  EXPECT_THAT(Texts(bob_, texts.size()), ElementsAreArray(texts));
  EXPECT_THAT(Texts(alice_, texts.size()), ElementsAreArray(texts));
}

TEST_F(PluginTest, SaysWhatTheServerCannotDo) {
  ASSERT_OK(StartInRoom(alice_));
  const auto json = alice_->CtlJson({"status"});
  ASSERT_OK(json);
  const nlohmann::json& server = (*json)["status"]["server"];
  EXPECT_EQ(server["dialect"], "SERVER_DIALECT_PLUGIN");
  EXPECT_EQ(server["protocolVersion"], "1.0");
  for (const char* ability : {"history", "deduplicatesSends", "messageIds",
                              "orderedSends", "durableMembership"}) {
    EXPECT_FALSE(server.value(ability, false)) << ability;
  }
  EXPECT_EQ(server.value("orderedWindow", 1), 1);
  const RunResult words = alice_->Ctl({"status"});
  EXPECT_EQ(words.code, 0) << words.err;
  for (const char* word :
       {"plugin dialect 1.0", "no history", "may double a message"}) {
    EXPECT_THAT(words.out, HasSubstr(word));
  }
}

TEST_F(PluginTest, ARoomThatDoesNotExist) {
  ASSERT_OK(alice_->Start());
  ASSERT_OK(CallsTo(alice_).Join("nowhere"));
  std::string error;
  EXPECT_TRUE(WaitFor([&] {
    const auto rooms = CallsTo(alice_).Rooms();
    EXPECT_TRUE(rooms.ok()) << rooms.status();
    if (!rooms.ok() || rooms->size() != 1) return true;
    error = rooms->front().last_error();
    return rooms->front().join_state() == v1::JOIN_STATE_FAILED;
  }));
  EXPECT_EQ(error, "ROOM_NOT_FOUND: Room not found");
  // What is said there is parked, with the reason, and holds up nobody.
  ASSERT_OK(CallsTo(alice_).Send("nowhere", "hello?"));
  std::string code;
  EXPECT_TRUE(WaitFor([&] {
    const auto outbox = CallsTo(alice_).Outbox();
    EXPECT_TRUE(outbox.ok()) << outbox.status();
    if (!outbox.ok() || outbox->size() != 1) return true;
    code = outbox->front().last_error_code();
    return outbox->front().state() == v1::OUTBOX_STATE_FAILED;
  }));
  EXPECT_EQ(code, "ROOM_NOT_FOUND");
  ASSERT_OK(CallsTo(alice_).Join(kRoom));
  ASSERT_OK(CallsTo(alice_).Send(kRoom, "here"));
  ASSERT_OK(CallsTo(alice_).WaitUntilSent());
}

// A token that names its user in `sub` alone is nobody's there.
TEST_F(PluginTest, ATokenOfNobody) {
  const absl::StatusOr<std::string> token =
      RealtimeServer::Token("alice", {"--sub-only"});
  ASSERT_OK(token);
  alice_->options().token = *token;
  ASSERT_OK(StartInRoom(bob_));
  ASSERT_OK(StartInRoom(alice_));
  const std::vector<std::string> texts = Numbered("from nobody ", 1, 3);
  SendAll(alice_, texts);
  ASSERT_OK(CallsTo(alice_).WaitUntilSent());
  EXPECT_THAT(Texts(bob_, texts.size()), ElementsAreArray(texts));
  EXPECT_THAT(Texts(alice_, texts.size()), ElementsAreArray(texts));
}

}  // namespace
}  // namespace parley::integration
