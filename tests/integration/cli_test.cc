// parleyctl against a real daemon and server: what people and scripts do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "tests/integration/harness/test_bed.h"

namespace parley::integration {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Room "bad" refuses the first message for good.
class CliTest : public testing::Test {
 protected:
  CliTest() : bed_({"--fail-room", "bad=FORBIDDEN:1"}) {}

  void SetUp() override {
    ASSERT_OK(bed_.server().Start());
    alice_ = &bed_.AddDaemon("alice");
    ASSERT_OK(alice_->Start());
    ASSERT_EQ(Code({"health", "--upstream", "--wait", "60s"}), 0);
  }

  RunResult Ctl(const std::vector<std::string>& arguments) const {
    return alice_->Ctl(arguments);
  }

  ExitStatus Code(const std::vector<std::string>& arguments) const {
    const RunResult result = Ctl(arguments);
    if (result.code != 0) std::cerr << result.err;
    return result.code;
  }

  nlohmann::json Json(const std::vector<std::string>& arguments) const {
    const auto json = alice_->CtlJson(arguments);
    EXPECT_TRUE(json.ok()) << json.status();
    return json.value_or(nlohmann::json());
  }

  RunResult Send(const std::string& room, const std::string& id,
                 std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {"message",
                                          "send",
                                          "--room",
                                          room,
                                          "--text",
                                          "text of " + id,
                                          "--client-message-id",
                                          id};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Ctl(arguments);
  }

  TestBed bed_;
  Daemon* alice_ = nullptr;
};

TEST_F(CliTest, IsOfTheDaemonsVersion) {
  const std::string version = Json({"status"})["status"]["version"];
  EXPECT_EQ(RunCtl(bed_.dir(), {"--version"}).out,
            "parleyctl " + version + "\n");
}

TEST_F(CliTest, TellsThatTheTokenIsNoGood) {
  Daemon& stranger = bed_.AddDaemon("stranger");
  stranger.options().token = "certainly no token";
  ASSERT_OK(stranger.Start());
  ASSERT_TRUE(WaitForConnection(stranger, "CREDENTIALS_REQUIRED"));
  EXPECT_EQ(stranger.Ctl({"health"}).code, 0);
  const RunResult result = stranger.Ctl({"health", "--upstream"});
  EXPECT_EQ(result.code, 4);
  EXPECT_THAT(result.err, HasSubstr("CREDENTIALS_REQUIRED"));
}

TEST_F(CliTest, SendsAndLists) {
  ASSERT_EQ(Code({"room", "join", "--room", "r"}), 0);
  const RunResult sent = Send("r", "m1", {"--wait", "sent"});
  EXPECT_EQ(sent.code, 0) << sent.err;
  EXPECT_EQ(sent.out, "m1\n");

  const nlohmann::json list = Json({"message", "list", "--room", "r"});
  ASSERT_EQ(list["messages"].size(), 1u);
  const nlohmann::json& message = list["messages"][0];
  EXPECT_EQ(message["clientMessageId"], "m1");
  EXPECT_EQ(message["text"], "text of m1");
  EXPECT_EQ(message["sender"], "alice");
  EXPECT_EQ(message["deliveryState"], "DELIVERY_STATE_SENT");
  EXPECT_NE(message["messageId"], "");

  const auto texts = bed_.server().Texts("r", "alice");
  ASSERT_OK(texts);
  EXPECT_THAT(*texts, ElementsAre("text of m1"));
}

TEST_F(CliTest, PagesThroughMessages) {
  ASSERT_EQ(Code({"room", "join", "--room", "r"}), 0);
  for (const char* id : {"m1", "m2", "m3", "m4"}) {
    ASSERT_EQ(Send("r", id, {"--wait", "sent"}).code, 0);
  }
  const auto ids = [this](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"message", "list", "--room", "r"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const nlohmann::json json = Json(arguments);
    std::vector<std::string> found;
    for (const nlohmann::json& message : json["messages"]) {
      found.push_back(message["clientMessageId"]);
    }
    return found;
  };
  EXPECT_THAT(ids({}), ElementsAre("m1", "m2", "m3", "m4"));
  EXPECT_THAT(ids({"--page-size", "2"}), ElementsAre("m3", "m4"));
  const nlohmann::json all = Json({"message", "list", "--room", "r"});
  const std::string third = all["messages"][2]["messageId"];
  EXPECT_THAT(ids({"--before", third}), ElementsAre("m1", "m2"));
  EXPECT_THAT(ids({"--before", third, "--page-size", "1"}), ElementsAre("m2"));
  EXPECT_THAT(ids({"--after", third}), ElementsAre("m4"));
}

TEST_F(CliTest, StaysOfflineOverARestartAndKeepsWhatIsSent) {
  ASSERT_EQ(Code({"room", "join", "--room", "r"}), 0);
  ASSERT_EQ(Code({"disconnect"}), 0);
  ASSERT_EQ(Send("r", "m1").code, 0);
  alice_->Kill();
  ASSERT_OK(alice_->Start());

  EXPECT_EQ(Code({"health"}), 0);
  EXPECT_EQ(Ctl({"health", "--upstream"}).code, 1);
  EXPECT_EQ(Json({"status"})["status"]["connection"]["state"],
            "CONNECTION_STATE_STOPPED");
  const nlohmann::json outbox = Json({"outbox", "list"});
  ASSERT_EQ(outbox["entries"].size(), 1u);
  EXPECT_EQ(outbox["entries"][0]["clientMessageId"], "m1");
  EXPECT_EQ(outbox["entries"][0]["state"], "OUTBOX_STATE_PENDING");
  // The same again is the same message.
  EXPECT_EQ(Send("r", "m1").out, "m1\n");
  EXPECT_EQ(Json({"outbox", "flush"})["queued"], 1);

  ASSERT_EQ(Code({"connect"}), 0);
  EXPECT_EQ(Send("r", "m1", {"--wait", "sent"}).code, 0);
  const auto texts = bed_.server().Texts("r", "alice");
  ASSERT_OK(texts);
  EXPECT_THAT(*texts, ElementsAre("text of m1"));
}

TEST_F(CliTest, JoinsAndLeavesRooms) {
  RunResult result = Ctl({"room", "join", "--room", "r"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out, "joined r\n");
  EXPECT_EQ(result.err, "");
  ASSERT_EQ(Code({"disconnect"}), 0);
  result = Ctl({"room", "join", "--room", "s"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out, "pending s\n");
  EXPECT_THAT(result.err, HasSubstr("the daemon is not connected (STOPPED)"));

  EXPECT_EQ(Json({"room", "list"})["rooms"].size(), 2u);
  EXPECT_EQ(Json({"room", "show", "--room", "s"})["room"]["membership"],
            "MEMBERSHIP_JOINED");
  ASSERT_EQ(Code({"connect"}), 0);
  ASSERT_EQ(Code({"room", "leave", "--room", "r"}), 0);
  EXPECT_TRUE(WaitFor([&] {
    return Ctl({"room", "show", "--room", "r"}).code == 7;
  }));
}

TEST_F(CliTest, TellsWhyAMessageWasNotSentAndTriesAgain) {
  ASSERT_EQ(Code({"room", "join", "--room", "bad"}), 0);
  const RunResult refused = Send("bad", "m1", {"--wait", "sent"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_EQ(refused.out, "m1\n");
  EXPECT_THAT(refused.err, AllOf(HasSubstr("message m1 was not sent: refused"),
                                 HasSubstr("FORBIDDEN")));

  const nlohmann::json failed = Json({"outbox", "list", "--failed"});
  ASSERT_EQ(failed["entries"].size(), 1u);
  EXPECT_EQ(failed["entries"][0]["clientMessageId"], "m1");
  EXPECT_EQ(failed["entries"][0]["failureReason"], "FAILURE_REASON_REFUSED");
  const RunResult shown = Ctl({"outbox", "show", "m1"});
  EXPECT_EQ(shown.code, 0);
  EXPECT_THAT(shown.out, AllOf(HasSubstr("failed"), HasSubstr("history")));

  ASSERT_EQ(Code({"outbox", "retry", "m1"}), 0);
  EXPECT_EQ(Send("bad", "m1", {"--wait", "sent"}).code, 0);
  EXPECT_EQ(Json({"outbox", "list"})["entries"].size(), 0u);
}

TEST_F(CliTest, Cancels) {
  ASSERT_EQ(Code({"room", "join", "--room", "r"}), 0);
  ASSERT_EQ(Code({"disconnect"}), 0);
  ASSERT_EQ(Send("r", "m1").code, 0);
  EXPECT_EQ(Json({"outbox", "cancel", "m1"})["outcome"],
            "CANCEL_OUTCOME_CANCELLED");
  EXPECT_EQ(Json({"outbox", "list"})["entries"].size(), 0u);
  // Sending it again does not bring it back.
  const RunResult again = Send("r", "m1", {"--wait", "sent"});
  EXPECT_EQ(again.code, 1);
  EXPECT_THAT(again.err, HasSubstr("message m1 was cancelled"));
}

TEST_F(CliTest, GivesUpWhenAMessageExpires) {
  ASSERT_EQ(Code({"room", "join", "--room", "r"}), 0);
  ASSERT_EQ(Code({"disconnect"}), 0);
  const RunResult result =
      Send("r", "m1", {"--expire-after", "100ms", "--wait", "sent"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("message m1 was not sent: expired"));
}

TEST_F(CliTest, WatchesLive) {
  ASSERT_EQ(Code({"room", "join", "--room", "r"}), 0);
  const std::string path = bed_.dir() + "/watch.out";
  const auto watch =
      alice_->StartCtl({"watch", "--topics", "messages", "--json"}, path);
  ASSERT_OK(watch);
  // Nothing is held back in a buffer.
  EXPECT_TRUE(WaitFor([&] {
    return absl::StrContains(ReadTextFile(path), "\"caughtUp\":true");
  }));
  ASSERT_EQ(Send("r", "m1").code, 0);
  EXPECT_TRUE(WaitFor(
      [&] { return absl::StrContains(ReadTextFile(path), "text of m1"); }));
  alice_->Kill();
  EXPECT_EQ((*watch)->WaitForExit(), 3);
}

}  // namespace
}  // namespace parley::integration
