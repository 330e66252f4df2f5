#include "daemon/socketio/session.h"

#include <string>
#include <vector>

#include "daemon/socketio/session_test_util.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::socketio {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

TEST(Session, ConnectsWithItsCredentials) {
  SessionDriver session;
  EXPECT_EQ(session->state(), Session::State::kAwaitingOpen);
  EXPECT_THAT(session.Text(kOpenFrame),
              ElementsAre("opened engine", R"(send 40{"token":"t"})"));
  EXPECT_EQ(session->state(), Session::State::kConnecting);
  EXPECT_FALSE(session->connected());
  EXPECT_THAT(session.Text(kConnectedFrame), ElementsAre("connected socket"));
  EXPECT_EQ(session->state(), Session::State::kConnected);
  EXPECT_TRUE(session->connected());
}

TEST(Session, ConnectsWithoutCredentials) {
  SessionDriver session({"", 4096});
  EXPECT_THAT(session.Text(kOpenFrame),
              ElementsAre("opened engine", "send 40"));
}

TEST(Session, TellsTheOpenParameters) {
  Session session({"", 4096});
  std::vector<Output> out;
  session.OnText(kOpenFrame, base::MonotonicTime(), &out);
  ASSERT_FALSE(out.empty());
  const auto* opened = std::get_if<Opened>(&out[0]);
  ASSERT_NE(opened, nullptr);
  EXPECT_EQ(opened->parameters.ping_interval, absl::Seconds(25));
  EXPECT_EQ(opened->parameters.ping_timeout, absl::Seconds(20));
  EXPECT_EQ(opened->parameters.max_payload, 1000000u);
}

TEST(Session, TakesAServerThatOffersRecovery) {
  SessionDriver session;
  session.Open();
  EXPECT_THAT(session.Text(R"(40{"sid":"socket","pid":"private"})"),
              ElementsAre("connected socket"));
  EXPECT_THAT(session.Text(R"(42["a",{"x":1},"offset"])"),
              ElementsAre(R"(event a [{"x":1},"offset"])"));
}

TEST(Session, ReceivesEvents) {
  SessionDriver session;
  session.Connect();
  EXPECT_THAT(session.Text(R"(42["message:new",{"id":1},"x"])"),
              ElementsAre(R"(event message:new [{"id":1},"x"])"));
  EXPECT_THAT(session.Text(R"(42["none"])"), ElementsAre("event none []"));
  EXPECT_THAT(session.Text(R"(42/,["main"])"), ElementsAre("event main []"));
}

TEST(Session, AnswersAnEventThatAsksForIt) {
  SessionDriver session;
  session.Connect();
  EXPECT_THAT(session.Text(R"(4212["question",1])"),
              ElementsAre("event question [1] id 12"));
  EXPECT_EQ(session->EncodeAck(12, json{{{"ok", true}}}),
            R"(4312[{"ok":true}])");
  EXPECT_EQ(session->EncodeAck(0, json::array()), "430[]");
}

TEST(Session, SendsEvents) {
  SessionDriver session;
  session.Connect();
  EXPECT_EQ(session->EncodeEvent("typing:start", {{"roomName", "r"}}),
            R"(42["typing:start",{"roomName":"r"}])");
  EXPECT_EQ(session->EncodeEvent("bare", nullptr), R"(42["bare",null])");
  EXPECT_EQ(session->EncodeEvent("list", {1, 2}), R"(42["list",[1,2]])");
  EXPECT_EQ(session->EncodeEvent("e", "\xff"), "42[\"e\",\"\uFFFD\"]");
}

TEST(Session, NumbersRequestsFromZeroInEachSession) {
  for (int i = 0; i < 2; ++i) {
    SessionDriver session;
    session.Connect();
    EXPECT_EQ(session->EncodeRequest("a", 1),
              std::make_pair(uint64_t{0}, std::string(R"(420["a",1])")));
    EXPECT_EQ(session->EncodeRequest("b", 2),
              std::make_pair(uint64_t{1}, std::string(R"(421["b",2])")));
    EXPECT_THAT(session.Text(R"(431[{"success":true}])"),
                ElementsAre(R"(ack 1 [{"success":true}])"));
    EXPECT_THAT(session.Text("430[]"), ElementsAre("ack 0 []"));
  }
}

TEST(Session, AnswersPingsInEveryStateAfterOpen) {
  SessionDriver session;
  session.Open();
  EXPECT_THAT(session.Text("2"), ElementsAre("send 3"));
  session.Text(kConnectedFrame);
  EXPECT_THAT(session.Text("2"), ElementsAre("send 3"));
}

TEST(Session, IsDeadWhenNoPingCameForIntervalAndTimeout) {
  SessionDriver session;
  EXPECT_EQ(session->ping_deadline(), base::MonotonicTime::InfiniteFuture());
  session.Open();
  EXPECT_EQ(session->ping_deadline(), session.now() + absl::Seconds(45));
  session.Advance(absl::Seconds(10));
  const base::MonotonicTime before = session->ping_deadline();
  session.Text(kConnectedFrame);
  session.Text(R"(42["a"])");
  EXPECT_EQ(session->ping_deadline(), before) << "only pings prove liveness";
  session.Advance(absl::Seconds(15));
  session.Text("2");
  EXPECT_EQ(session->ping_deadline(), session.now() + absl::Seconds(45));
}

TEST(Session, EndsWhenTheServerDisconnects) {
  SessionDriver session;
  session.Connect();
  EXPECT_THAT(session.Text("41"),
              ElementsAre("closed SERVER_DISCONNECT the server ended the "
                          "session"));
  EXPECT_EQ(session->state(), Session::State::kClosed);
  EXPECT_THAT(session.Text(R"(42["a"])"), IsEmpty());
}

TEST(Session, EndsWhenTheEngineCloses) {
  SessionDriver connected;
  connected.Connect();
  EXPECT_THAT(connected.Text("1"),
              ElementsAre(StartsWith("closed ENGINE_CLOSED")));
  SessionDriver connecting;
  connecting.Open();
  EXPECT_THAT(connecting.Text("1"),
              ElementsAre(StartsWith("closed ENGINE_CLOSED")));
}

TEST(Session, SaysGoodbyeInAnyState) {
  SessionDriver session;
  EXPECT_EQ(session->EncodeDisconnect(), "41");
  session.Connect();
  EXPECT_EQ(session->EncodeDisconnect(), "41");
  session.Text("41");
  EXPECT_EQ(session->EncodeDisconnect(), "41");
}

TEST(Session, TellsARefusal) {
  SessionDriver session;
  session.Open();
  EXPECT_THAT(session.Text(
                  R"(44{"message":"Invalid token","data":{"code":"EXPIRED"}})"),
              ElementsAre(R"(refused Invalid token {"code":"EXPIRED"})"));
  EXPECT_EQ(session->state(), Session::State::kClosed);
  EXPECT_THAT(session.Text("2"), IsEmpty());
  EXPECT_THAT(session.Text("1"), IsEmpty());
}

TEST(Session, IgnoresBinaryEventsWithTheirAttachments) {
  SessionDriver session;
  session.Connect();
  EXPECT_THAT(session.Text(R"(452-["e",{"_placeholder":true,"num":0},)"
                           R"({"_placeholder":true,"num":1}])"),
              ElementsAre("ignored an event with binary attachments"));
  EXPECT_THAT(session.Binary(10), IsEmpty());
  // Engine.IO's own packets may come between.
  EXPECT_THAT(session.Text("2"), ElementsAre("send 3"));
  EXPECT_THAT(session.Binary(0), IsEmpty());
  EXPECT_THAT(session.Text(R"(42["next"])"), ElementsAre("event next []"));
}

TEST(Session, AnswersNoBinaryEvent) {
  SessionDriver session;
  session.Connect();
  EXPECT_THAT(session.Text(R"(451-7["e",{"_placeholder":true,"num":0}])"),
              ElementsAre("ignored an event with binary attachments"));
  EXPECT_THAT(session.Binary(1), IsEmpty());
}

TEST(Session, IgnoresBinaryAcks) {
  SessionDriver session;
  session.Connect();
  session->EncodeRequest("a", nullptr);
  EXPECT_THAT(session.Text(R"(461-0[{"_placeholder":true,"num":0}])"),
              ElementsAre("ignored an ack with binary attachments"));
  EXPECT_THAT(session.Binary(1), IsEmpty());
  EXPECT_THAT(session.Text("430[]"), ElementsAre("ack 0 []"));
}

TEST(Session, ForgetsItsCredentialsOnceTheyAreSent) {
  // They leave in the CONNECT frame only, whatever comes later.
  SessionDriver session;
  EXPECT_THAT(session.Text(kOpenFrame)[1], HasSubstr("token"));
  for (const char* frame : {kConnectedFrame, "2", R"(42["a"])", kOpenFrame}) {
    for (const std::string& line : session.Text(frame)) {
      EXPECT_THAT(line, Not(HasSubstr("token")));
    }
  }
}

TEST(Session, GivesTheSameOutputsForTheSameFrames) {
  const auto run = [] {
    SessionDriver session;
    std::vector<std::string> lines;
    for (const char* frame :
         {kOpenFrame, "2", kConnectedFrame, R"(42["a",{"b":1,"a":2}])",
          R"(42/x,["a"])", "430[]", "41", "2"}) {
      for (std::string& line : session.Text(frame)) {
        lines.push_back(std::move(line));
      }
      session.Advance(absl::Milliseconds(10));
    }
    return lines;
  };
  EXPECT_EQ(run(), run());
}

TEST(SessionDeathTest, EncodingWithoutAConnectionIsABug) {
  SessionDriver session;
  session.Open();
  EXPECT_DEATH(session->EncodeEvent("a", nullptr), "invariant broken");
  EXPECT_DEATH(session->EncodeRequest("a", nullptr), "invariant broken");
  EXPECT_DEATH(session->EncodeAck(0, json::array()), "invariant broken");
  session.Text(kConnectedFrame);
  EXPECT_DEATH(session->EncodeAck(0, json::object()), "invariant broken");
}

}  // namespace
}  // namespace parley::socketio
