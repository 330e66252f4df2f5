// Servers that do what the protocol forbids, or what nobody expects. Whatever
// they do, a session ends at most once, says why in words, and stays in its
// limits.

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "daemon/socketio/session.h"
#include "daemon/socketio/session_test_util.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::socketio {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

testing::Matcher<std::string> ProtocolError(const std::string& words) {
  return AllOf(StartsWith("closed PROTOCOL_ERROR "), HasSubstr(words));
}

// After its end a session swallows whatever comes.
void ExpectSilent(SessionDriver* session) {
  EXPECT_EQ((*session)->state(), Session::State::kClosed);
  for (const char* frame : {kOpenFrame, kConnectedFrame, "1", "2", "41",
                            R"(42["a"])", "430[]", "garbage", ""}) {
    EXPECT_THAT(session->Text(frame), IsEmpty()) << frame;
  }
  EXPECT_THAT(session->Binary(1), IsEmpty());
}

// --- Engine.IO -------------------------------------------------------------

TEST(Misbehaviour, FirstFrameIsNoOpenPacket) {
  for (const char* frame :
       {"1", "2", "3", "4hello", R"(42["a"])", "5", "6", kConnectedFrame}) {
    SessionDriver session;
    EXPECT_THAT(session.Text(frame),
                ElementsAre(ProtocolError("first frame is no Engine.IO open")))
        << frame;
    ExpectSilent(&session);
  }
}

TEST(Misbehaviour, NotEngineIoAtAll) {
  for (const char* frame : {"", "hello", "<html>", "{\"type\":\"hello\"}"}) {
    SessionDriver session;
    EXPECT_THAT(session.Text(frame), ElementsAre(ProtocolError("")));
    ExpectSilent(&session);
  }
}

TEST(Misbehaviour, OpenPacketIsUnusable) {
  const struct {
    const char* frame;
    const char* words;
  } cases[] = {
      {"0", "not JSON"},
      {"0hello", "not JSON"},
      {"0[]", "no JSON object"},
      {R"(0{"pingInterval":1,"pingTimeout":1})", "no sid"},
      {R"(0{"sid":"s","pingInterval":0,"pingTimeout":1})", "pingInterval"},
      {R"(0{"sid":"s","pingInterval":-1,"pingTimeout":1})", "pingInterval"},
      {R"(0{"sid":"s","pingInterval":1,"pingTimeout":1,"maxPayload":1})",
       "maxPayload"},
  };
  for (const auto& c : cases) {
    SessionDriver session;
    EXPECT_THAT(session.Text(c.frame), ElementsAre(ProtocolError(c.words)));
    ExpectSilent(&session);
    EXPECT_EQ(session->ping_deadline(), base::MonotonicTime::InfiniteFuture());
  }
}

TEST(Misbehaviour, PingIntervalOfAgesIsStillWatched) {
  SessionDriver session;
  session.Text(
      R"(0{"sid":"s","pingInterval":9007199254740992,"pingTimeout":1e300})");
  EXPECT_EQ(session->ping_deadline(), session.now() + absl::Hours(2));
}

TEST(Misbehaviour, OpensTwice) {
  SessionDriver session;
  session.Open();
  EXPECT_THAT(session.Text(kOpenFrame), ElementsAre(ProtocolError("was open")));
  ExpectSilent(&session);
}

TEST(Misbehaviour, PingFloodIsNotEchoed) {
  SessionDriver session;
  session.Connect();
  int answered = 0;
  for (int i = 0; i < 10000; ++i) {
    const std::vector<std::string> lines = session.Text("2");
    ASSERT_EQ(lines.size(), 1u);
    if (lines[0] == "send 3") {
      ++answered;
    } else {
      EXPECT_EQ(lines[0], "ignored a flood of pings");
    }
  }
  EXPECT_EQ(answered, Session::kMaxPingsPerSecond);
  EXPECT_TRUE(session->connected());
  session.Advance(absl::Seconds(1));
  EXPECT_THAT(session.Text("2"), ElementsAre("send 3"));
}

TEST(Misbehaviour, PacketsThatWereNotAskedFor) {
  SessionDriver session;
  session.Connect();
  EXPECT_THAT(session.Text("6"), IsEmpty());
  EXPECT_THAT(session.Text("5"), ElementsAre(HasSubstr("ignored an upgrade")));
  EXPECT_THAT(session.Text("3"), ElementsAre(HasSubstr("ignored a pong")));
  EXPECT_THAT(session.Text("3probe"), ElementsAre(HasSubstr("ignored a pong")));
  EXPECT_TRUE(session->connected());
}

TEST(Misbehaviour, PingWithAPayloadIsNotReflected) {
  SessionDriver session;
  session.Connect();
  EXPECT_THAT(session.Text("2" + std::string(4000, 'x')),
              ElementsAre("send 3"));
}

TEST(Misbehaviour, DataAfterClose) {
  SessionDriver session;
  session.Connect();
  EXPECT_THAT(session.Text("1"),
              ElementsAre(StartsWith("closed ENGINE_CLOSED")));
  ExpectSilent(&session);
}

TEST(Misbehaviour, UnknownEnginePacketType) {
  for (const char* frame : {"7", "b4aGVsbG8=", "x", "\xff\xfe"}) {
    SessionDriver session;
    session.Connect();
    EXPECT_THAT(session.Text(frame),
                ElementsAre(ProtocolError("unknown Engine.IO packet type")));
    ExpectSilent(&session);
  }
}

TEST(Misbehaviour, FramesOverTheLimit) {
  const auto event = [](size_t bytes) {
    return absl::StrCat(R"(42[")", std::string(bytes - 6, 'x'), R"("])");
  };
  SessionDriver text({"", 4096});
  text.Connect();
  EXPECT_THAT(text.Text(event(4096)), ElementsAre(StartsWith("event xxx")));
  EXPECT_THAT(text.Text(event(4097)),
              ElementsAre(ProtocolError("4096 are accepted")));
  ExpectSilent(&text);

  SessionDriver binary({"", 4096});
  binary.Connect();
  binary.Text(R"(452-["e"])");
  EXPECT_THAT(binary.Binary(4096), IsEmpty());
  EXPECT_THAT(binary.Binary(4097),
              ElementsAre(ProtocolError("4096 are accepted")));
  ExpectSilent(&binary);
}

TEST(Misbehaviour, CredentialsLargerThanTheServerTakes) {
  SessionDriver session(
      {absl::StrCat(R"({"token":")", std::string(1024, 't'), R"("})"), 4096});
  EXPECT_THAT(
      session.Text(
          R"(0{"sid":"s","pingInterval":1,"pingTimeout":1,"maxPayload":1024})"),
      ElementsAre(AllOf(ProtocolError("the server accepts 1024"),
                        Not(HasSubstr("ttt")))));
  ExpectSilent(&session);
}

// --- Socket.IO -------------------------------------------------------------

TEST(Misbehaviour, RefusesInEveryShape) {
  const struct {
    const char* frame;
    const char* line;
  } cases[] = {
      {R"(44{"message":"no"})", "refused no null"},
      {R"(44"no")", "refused no null"},
      {R"(44{"message":"no","data":[1]})", "refused no [1]"},
      {"44", "refused the server refused without saying why null"},
      {"44{}", "refused the server refused without saying why null"},
      {R"(44{"message":7})",
       "refused the server refused without saying why null"},
      {R"(44{"message":""})",
       "refused the server refused without saying why null"},
      {"44[1]", "refused the server refused without saying why [1]"},
      {"44null", "refused the server refused without saying why null"},
      {"447", "refused the server refused without saying why null"},
  };
  for (const auto& c : cases) {
    SessionDriver session;
    session.Open();
    EXPECT_THAT(session.Text(c.frame), ElementsAre(c.line)) << c.frame;
    ExpectSilent(&session);
  }
}

TEST(Misbehaviour, RefusesAtLength) {
  SessionDriver session;
  session.Open();
  // Three bytes each: the cut falls within a character.
  std::string message;
  for (int i = 0; i < 1000; ++i) message += "€";
  const std::vector<std::string> lines =
      session.Text(absl::StrCat(R"(44{"message":")", message, R"("})"));
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0],
            absl::StrCat("refused ", message.substr(0, 510), "... null"));
}

TEST(Misbehaviour, SpeaksSocketIoTwo) {
  // Such a server accepts without being asked and names no sid.
  for (const char* frame :
       {"40", "40{}", R"(40{"sid":""})", R"(40{"sid":7})"}) {
    SessionDriver session;
    session.Open();
    EXPECT_THAT(session.Text(frame),
                ElementsAre(ProtocolError("Version 3 or newer")));
    ExpectSilent(&session);
  }
}

TEST(Misbehaviour, OtherNamespacesAreIgnored) {
  SessionDriver session;
  session.Open();
  for (const char* frame :
       {R"(40/admin,{"sid":"x"})", R"(44/admin,{"message":"no"})",
        R"(42/admin,["a"])", R"(42/admin,5["a"])", "43/admin,0[]",
        "41/admin,"}) {
    EXPECT_THAT(session.Text(frame),
                ElementsAre("ignored a packet of another namespace"))
        << frame;
  }
  EXPECT_THAT(session.Text(kConnectedFrame), ElementsAre("connected socket"));
  EXPECT_THAT(session.Text(R"(451-/admin,["a",{"_placeholder":true,"num":0}])"),
              ElementsAre("ignored a packet of another namespace"));
  EXPECT_THAT(session.Binary(1), IsEmpty());
  EXPECT_TRUE(session->connected());
}

TEST(Misbehaviour, EventsBeforeConnectIsAccepted) {
  for (const char* frame :
       {R"(42["a"])", "430[]", R"(451-["a",{}])", "461-0[]"}) {
    SessionDriver session;
    session.Open();
    EXPECT_THAT(session.Text(frame),
                ElementsAre(ProtocolError("before it accepted CONNECT")));
    ExpectSilent(&session);
  }
}

TEST(Misbehaviour, AcceptsOrRefusesTwice) {
  SessionDriver accepts;
  accepts.Connect();
  EXPECT_THAT(accepts.Text(kConnectedFrame),
              ElementsAre(ProtocolError("accepted CONNECT twice")));
  ExpectSilent(&accepts);
  SessionDriver refuses;
  refuses.Connect();
  EXPECT_THAT(refuses.Text(R"(44{"message":"no"})"),
              ElementsAre(ProtocolError("refused a CONNECT that it had")));
  ExpectSilent(&refuses);
}

TEST(Misbehaviour, DisconnectsInsteadOfAccepting) {
  SessionDriver session;
  session.Open();
  EXPECT_THAT(session.Text("41"),
              ElementsAre(StartsWith("closed SERVER_DISCONNECT")));
  ExpectSilent(&session);
}

TEST(Misbehaviour, BrokenPackets) {
  for (const char* frame : {"4",
                            "47",
                            "49[]",
                            "42",
                            "42[]",
                            "42{}",
                            "42[null]",
                            "42[\"a\"",
                            "42[\"connect\"]",
                            "42[\"disconnect\"]",
                            "43[]",
                            "430",
                            "430{}",
                            "41{}",
                            "45[\"a\"]",
                            "4517-[\"a\"]",
                            "4599999999999999999999-[\"a\"]",
                            "4218446744073709551616[\"a\"]",
                            "42[\"\xff\"]",
                            "42[\"a\",1e400]"}) {
    SessionDriver session;
    session.Connect();
    EXPECT_THAT(session.Text(frame), ElementsAre(ProtocolError(""))) << frame;
    ExpectSilent(&session);
  }
}

TEST(Misbehaviour, JsonAHundredThousandDeep) {
  SessionDriver session({"", 1000000});
  session.Connect();
  EXPECT_THAT(session.Text(absl::StrCat("42[\"a\",", std::string(100000, '['),
                                        std::string(100000, ']'), "]")),
              ElementsAre("ignored JSON nested 100001 deep; 64 levels are "
                          "accepted"));
  EXPECT_THAT(session.Text("42[7,1]"),
              ElementsAre("ignored an event named by a number"))
      << "the session goes on";
}

TEST(Misbehaviour, EventNamedByANumber) {
  SessionDriver session;
  session.Connect();
  EXPECT_THAT(session.Text("42[7,1]"),
              ElementsAre("ignored an event named by a number"));
  EXPECT_TRUE(session->connected());
}

TEST(Misbehaviour, AcksOfRequestsThatWereNeverMade) {
  SessionDriver session;
  session.Connect();
  EXPECT_THAT(session.Text("430[]"), ElementsAre(HasSubstr("never made")));
  session->EncodeRequest("a", nullptr);
  EXPECT_THAT(session.Text("431[]"), ElementsAre(HasSubstr("never made")));
  EXPECT_THAT(session.Text("4318446744073709551615[]"),
              ElementsAre(HasSubstr("never made")));
  EXPECT_TRUE(session->connected());
}

TEST(Misbehaviour, AnAckThatComesTwiceIsTheOwnersToJudge) {
  SessionDriver session;
  session.Connect();
  session->EncodeRequest("a", nullptr);
  EXPECT_THAT(session.Text(R"(430[{"success":false}])"),
              ElementsAre(R"(ack 0 [{"success":false}])"));
  EXPECT_THAT(session.Text(R"(430[{"success":true}])"),
              ElementsAre(R"(ack 0 [{"success":true}])"));
}

TEST(Misbehaviour, BinaryFrameWithoutAPacket) {
  SessionDriver first;
  EXPECT_THAT(first.Binary(3), ElementsAre(ProtocolError("no packet")));
  ExpectSilent(&first);
  SessionDriver later;
  later.Connect();
  EXPECT_THAT(later.Binary(3), ElementsAre(ProtocolError("no packet")));
  ExpectSilent(&later);
}

TEST(Misbehaviour, FewerAttachmentsThanAnnounced) {
  SessionDriver session;
  session.Connect();
  session.Text(R"(452-["e"])");
  session.Binary(1);
  EXPECT_THAT(session.Text(R"(42["a"])"),
              ElementsAre(ProtocolError("while 1 binary attachments")));
  ExpectSilent(&session);
}

TEST(Misbehaviour, MoreAttachmentsThanAnnounced) {
  SessionDriver session;
  session.Connect();
  session.Text(R"(451-["e"])");
  session.Binary(1);
  EXPECT_THAT(session.Binary(1), ElementsAre(ProtocolError("no packet")));
  ExpectSilent(&session);
}

TEST(Misbehaviour, AsManyAttachmentsAsAreAllowed) {
  SessionDriver session;
  session.Connect();
  session.Text(R"(4516-["e"])");
  for (uint64_t i = 0; i < kMaxAttachments; ++i) {
    EXPECT_THAT(session.Binary(1), IsEmpty());
  }
  EXPECT_THAT(session.Text(R"(42["a"])"), ElementsAre("event a []"));
  EXPECT_THAT(session.Text(R"(4517-["e"])"),
              ElementsAre(ProtocolError("more than 16")));
}

TEST(Misbehaviour, RepeatedMembersAndOddNumbers) {
  SessionDriver session;
  session.Connect();
  EXPECT_THAT(session.Text(R"(42["a",{"id":1,"id":2},-0,9007199254740993])"),
              ElementsAre(R"(event a [{"id":2},0,9007199254740993])"));
}

TEST(Misbehaviour, NoContentInReasons) {
  for (const char* frame :
       {R"(42["private)", R"(41"private")", R"(40"private")", "xprivate",
        R"(45-["private"])", R"(40{"private":1})"}) {
    SessionDriver session;
    session.Open();
    for (const std::string& line : session.Text(frame)) {
      EXPECT_FALSE(absl::StrContains(line, "private")) << line;
    }
  }
}

}  // namespace
}  // namespace parley::socketio
