#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>

#include "clients/cli/cli_runner.h"

namespace parley::cli {
namespace {

using ::parley::client::DaemonError;
using ::parley::client::FakeDaemon;
using ::parley::client::FakeMethods;
using ::parley::client::FakeStream;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// Takes every message, and remembers the last request. A repeat is answered
// with `outcome`.
class SendingDaemon {
 public:
  v1::SendOutcome outcome = v1::SEND_OUTCOME_QUEUED;
  FakeMethods methods;

  SendingDaemon() {
    methods.send_message = [this](const v1::SendMessageRequest& request,
                                  v1::SendMessageResponse* response) {
      const std::lock_guard<std::mutex> lock(mutex_);
      const bool again =
          !sent_id_.empty() && request.client_message_id() == sent_id_;
      last_ = request;
      sent_id_ = request.client_message_id().empty()
                     ? "made-up"
                     : request.client_message_id();
      response->set_client_message_id(sent_id_);
      response->set_already_accepted(again);
      response->set_outcome(again ? outcome : v1::SEND_OUTCOME_QUEUED);
      if (again && outcome == v1::SEND_OUTCOME_SENT) {
        response->set_message_id("server-1");
      }
      return grpc::Status::OK;
    };
  }

  v1::SendMessageRequest last() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return last_;
  }

  // Lets the outbox be watched as saying this.
  void WatchOutbox(const std::vector<v1::WatchOutboxResponse>& responses,
                   const std::optional<grpc::Status>& end = std::nullopt) {
    methods.watch_outbox = [responses, end](const v1::WatchOutboxRequest&) {
      return FakeStream<v1::WatchOutboxResponse>{responses, end};
    };
  }
  // The same of the connection.
  void WatchStatus(const std::vector<v1::WatchStatusResponse>& responses) {
    methods.watch_status = [responses](const v1::WatchStatusRequest&) {
      return FakeStream<v1::WatchStatusResponse>{responses, std::nullopt};
    };
  }

 private:
  std::mutex mutex_;
  v1::SendMessageRequest last_;
  std::string sent_id_;
};

v1::WatchOutboxResponse EntryUpdate(const std::string& id,
                                    v1::OutboxState state) {
  v1::WatchOutboxResponse response;
  v1::OutboxEntry* entry = response.add_updates()->mutable_entry();
  entry->set_client_message_id(id);
  entry->set_state(state);
  if (state == v1::OUTBOX_STATE_FAILED) {
    entry->set_failure_reason(v1::FAILURE_REASON_REFUSED);
    entry->set_last_error_code("FORBIDDEN");
    entry->set_last_error_message("members only");
  }
  return response;
}

v1::WatchOutboxResponse Removed(const std::string& id) {
  v1::WatchOutboxResponse response;
  response.add_updates()->mutable_removed()->set_client_message_id(id);
  return response;
}

v1::WatchOutboxResponse CaughtUp() {
  v1::WatchOutboxResponse response;
  response.set_caught_up(true);
  return response;
}

std::vector<std::string> SendAndWait(bool json = false) {
  std::vector<std::string> arguments = {"message",
                                        "send",
                                        "--room",
                                        "general",
                                        "--text",
                                        "hi",
                                        "--client-message-id",
                                        "m1",
                                        "--wait",
                                        "sent"};
  if (json) arguments.push_back("--json");
  return arguments;
}

TEST(MessageSendTest, PrintsTheClientMessageId) {
  SendingDaemon sending;
  const FakeDaemon daemon(sending.methods);
  const CliRunner runner(daemon);
  RunResult result = runner.Run(
      {"message", "send", "--room", "general", "--text", "--odd text"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out, "made-up\n");
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(sending.last().text(), "--odd text");

  result = runner.Run({"message", "send", "--room", "general", "--text", "hi",
                       "--client-message-id", "m1", "--json"});
  EXPECT_EQ(result.OneJson()["clientMessageId"], "m1");
  EXPECT_EQ(result.OneJson()["outcome"], "SEND_OUTCOME_QUEUED");
}

TEST(MessageSendTest, PassesAllFieldsOn) {
  SendingDaemon sending;
  const FakeDaemon daemon(sending.methods);
  EXPECT_EQ(CliRunner(daemon)
                .Run({"message", "send", "--room", "general", "--text", "hi",
                      "--reply-to", "server-0", "--thread", "t1",
                      "--expire-after", "1h30m"})
                .code,
            0);
  const v1::SendMessageRequest request = sending.last();
  EXPECT_EQ(request.room(), "general");
  EXPECT_EQ(request.reply_to(), "server-0");
  EXPECT_EQ(request.thread(), "t1");
  EXPECT_EQ(request.expire_after().seconds(), 5400);
}

TEST(MessageSendTest, ReadsTheTextFromStdin) {
  SendingDaemon sending;
  const FakeDaemon daemon(sending.methods);
  CliRunner runner(daemon);
  runner.stdin_text = "two\nlines\n";
  EXPECT_EQ(
      runner.Run({"message", "send", "--room", "general", "--text", "-"}).code,
      0);
  EXPECT_EQ(sending.last().text(), "two\nlines");

  runner.stdin_text = std::string(1024 * 1024 + 1, 'x');
  const RunResult result =
      runner.Run({"message", "send", "--room", "general", "--text", "-"});
  EXPECT_EQ(result.code, 5);
  EXPECT_THAT(result.err, HasSubstr("stdin has more than 1 MiB"));

  runner.stdin_text = "caf\xe9";
  EXPECT_EQ(
      runner.Run({"message", "send", "--room", "general", "--text", "-"}).code,
      2);
}

TEST(MessageSendTest, TellsTheDaemonsRefusal) {
  FakeMethods methods;
  methods.send_message = [](const v1::SendMessageRequest&,
                            v1::SendMessageResponse*) {
    return DaemonError(grpc::StatusCode::FAILED_PRECONDITION, "NOT_IN_ROOM",
                       "join the room first");
  };
  const FakeDaemon daemon(methods);
  const RunResult result = CliRunner(daemon).Run(
      {"message", "send", "--room", "general", "--text", "hi"});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err,
            "parleyctl: cannot send to room \"general\": join the room "
            "first\n");
}

TEST(MessageSendWaitTest, EndsWhenTheServerHasIt) {
  SendingDaemon sending;
  sending.outcome = v1::SEND_OUTCOME_SENT;
  sending.WatchOutbox({EntryUpdate("other", v1::OUTBOX_STATE_FAILED),
                       EntryUpdate("m1", v1::OUTBOX_STATE_PENDING), CaughtUp(),
                       EntryUpdate("m1", v1::OUTBOX_STATE_SENDING),
                       Removed("m1")});
  const FakeDaemon daemon(sending.methods);
  const CliRunner runner(daemon);
  RunResult result = runner.Run(SendAndWait());
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "m1\n");
  result = runner.Run(SendAndWait(/*json=*/true));
  EXPECT_EQ(result.OneJson()["outcome"], "SEND_OUTCOME_SENT");
  EXPECT_EQ(result.OneJson()["messageId"], "server-1");
}

TEST(MessageSendWaitTest, NoticesThatItLeftBeforeTheWatch) {
  SendingDaemon sending;
  sending.outcome = v1::SEND_OUTCOME_SENT;
  sending.WatchOutbox({CaughtUp()});
  const FakeDaemon daemon(sending.methods);
  EXPECT_EQ(CliRunner(daemon).Run(SendAndWait()).code, 0);
}

TEST(MessageSendWaitTest, EndsWithTheReasonOfAFailure) {
  SendingDaemon sending;
  sending.WatchOutbox({EntryUpdate("m1", v1::OUTBOX_STATE_PENDING), CaughtUp(),
                       EntryUpdate("m1", v1::OUTBOX_STATE_FAILED)});
  const FakeDaemon daemon(sending.methods);
  const RunResult result = CliRunner(daemon).Run(SendAndWait());
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "m1\n");
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("message m1 was not sent: refused: FORBIDDEN: "
                              "members only"),
                    HasSubstr("parleyctl outbox retry")));
}

TEST(MessageSendWaitTest, FetchesTheReasonOfAFailureThatIsOld) {
  SendingDaemon sending;
  sending.outcome = v1::SEND_OUTCOME_FAILED;
  sending.WatchOutbox({CaughtUp()});
  sending.methods.get_outbox_entry =
      [](const v1::GetOutboxEntryRequest& request,
         v1::GetOutboxEntryResponse* response) {
        response->mutable_entry()->set_client_message_id(
            request.client_message_id());
        response->mutable_entry()->set_failure_reason(
            v1::FAILURE_REASON_EXPIRED);
        return grpc::Status::OK;
      };
  const FakeDaemon daemon(sending.methods);
  const RunResult result = CliRunner(daemon).Run(SendAndWait());
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("was not sent: expired"));
}

TEST(MessageSendWaitTest, TellsACancelFromASend) {
  SendingDaemon sending;
  sending.outcome = v1::SEND_OUTCOME_CANCELLED;
  sending.WatchOutbox(
      {EntryUpdate("m1", v1::OUTBOX_STATE_PENDING), Removed("m1")});
  const FakeDaemon daemon(sending.methods);
  const RunResult result = CliRunner(daemon).Run(SendAndWait());
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("message m1 was cancelled"));
}

TEST(MessageSendWaitTest, SaysThatTheMessageIsSafeWhenTheDaemonGoes) {
  SendingDaemon sending;
  sending.WatchOutbox({EntryUpdate("m1", v1::OUTBOX_STATE_PENDING)},
                      DaemonError(grpc::StatusCode::UNAVAILABLE,
                                  "SHUTTING_DOWN", "the daemon is stopping"));
  const FakeDaemon daemon(sending.methods);
  const RunResult result = CliRunner(daemon).Run(SendAndWait());
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(result.err, AllOf(HasSubstr("it is in the outbox"),
                                HasSubstr("the daemon is stopping")));
}

v1::WatchStatusResponse StatusUpdate(v1::ConnectionState state,
                                     const std::string& cause) {
  v1::WatchStatusResponse response;
  v1::ConnectionStatus* connection =
      response.add_updates()->mutable_connection();
  connection->set_state(state);
  connection->set_cause(cause);
  return response;
}

TEST(MessageSendWaitTest, EndsWhenThereIsNoToken) {
  SendingDaemon sending;
  sending.WatchOutbox({EntryUpdate("m1", v1::OUTBOX_STATE_PENDING)});
  sending.WatchStatus({StatusUpdate(v1::CONNECTION_STATE_CONNECTING, "started"),
                       StatusUpdate(v1::CONNECTION_STATE_CREDENTIALS_REQUIRED,
                                    "the server refused the token")});
  const FakeDaemon daemon(sending.methods);
  const CliRunner runner(daemon);
  RunResult result = runner.Run(SendAndWait());
  EXPECT_EQ(result.code, 4);
  EXPECT_EQ(result.out, "m1\n");
  EXPECT_THAT(result.err, AllOf(HasSubstr("message m1 is not sent, but kept"),
                                HasSubstr("the server refused the token"),
                                HasSubstr("parleyctl auth set-token")));
  EXPECT_THAT(result.err, Not(HasSubstr("started")));
  result = runner.Run(SendAndWait(/*json=*/true));
  EXPECT_EQ(result.code, 4);
  EXPECT_EQ(result.OneJson()["outcome"], "SEND_OUTCOME_QUEUED");
}

TEST(MessageSendWaitTest, SaysWhatKeepsItWaitingUntilTheTimeoutGiven) {
  SendingDaemon sending;
  sending.WatchOutbox({EntryUpdate("m1", v1::OUTBOX_STATE_PENDING)});
  sending.WatchStatus({StatusUpdate(v1::CONNECTION_STATE_WAITING, "no route"),
                       StatusUpdate(v1::CONNECTION_STATE_WAITING, "again"),
                       StatusUpdate(v1::CONNECTION_STATE_STOPPED, "asked")});
  const FakeDaemon daemon(sending.methods);
  std::vector<std::string> arguments = SendAndWait();
  arguments.insert(arguments.end(), {"--timeout", "2s"});
  const RunResult result = CliRunner(daemon).Run(arguments);
  EXPECT_EQ(result.code, 6);
  EXPECT_EQ(result.out, "m1\n");
  EXPECT_EQ(result.err,
            "parleyctl: message m1 waits: the connection is WAITING, no route\n"
            "parleyctl: message m1 waits: the daemon is offline on purpose, "
            "until 'parleyctl connect'\n"
            "parleyctl: message m1 was not sent within 2s; it stays in the "
            "outbox\n");
}

v1::Message MakeMessage(const std::string& id, const std::string& sender,
                        const std::string& text) {
  v1::Message message;
  message.set_message_id(id);
  message.set_sender(sender);
  message.set_text(text);
  message.mutable_sent_at()->set_seconds(1577934245);
  return message;
}

// The room's messages are numbered; a page has two at most.
FakeMethods PagedRoom() {
  FakeMethods methods;
  methods.list_messages = [](const v1::ListMessagesRequest& request,
                             v1::ListMessagesResponse* response) {
    const int size = std::min(request.page_size(), 2);
    const bool forward = !request.after_message_id().empty();
    const int first =
        request.page_token().empty() ? 0 : std::stoi(request.page_token());
    for (int i = first; i < first + size; ++i) {
      *response->add_messages() = MakeMessage(std::to_string(i), "bob", "text");
    }
    if (!forward) {
      std::reverse(response->mutable_messages()->begin(),
                   response->mutable_messages()->end());
    }
    response->set_next_page_token(std::to_string(first + size));
    return grpc::Status::OK;
  };
  return methods;
}

std::vector<std::string> Ids(const RunResult& result) {
  std::vector<std::string> ids;
  const nlohmann::json json = result.OneJson();
  for (const nlohmann::json& message : json["messages"]) {
    ids.push_back(message["messageId"]);
  }
  return ids;
}

TEST(MessageListTest, ReadsAsManyPagesAsItTakes) {
  const FakeDaemon daemon(PagedRoom());
  const CliRunner runner(daemon);
  // The newest is 0; pages go back in time, and each is oldest first.
  EXPECT_THAT(Ids(runner.Run({"message", "list", "--room", "r", "--page-size",
                              "3", "--json"})),
              ElementsAre("2", "1", "0"));
  EXPECT_THAT(Ids(runner.Run({"message", "list", "--room", "r", "--page-size",
                              "3", "--after", "x", "--json"})),
              ElementsAre("0", "1", "2"));
  EXPECT_EQ(runner.Run({"message", "list", "--room", "r", "--json"})
                .OneJson()["messages"]
                .size(),
            50u);
  EXPECT_EQ(runner
                .Run({"message", "list", "--room", "r", "--page-size", "4",
                      "--output", "jsonl"})
                .Json()
                .size(),
            4u);
}

TEST(MessageListTest, IsReadableAndHarmless) {
  FakeMethods methods;
  methods.list_messages = [](const v1::ListMessagesRequest&,
                             v1::ListMessagesResponse* response) {
    *response->add_messages() = MakeMessage("s1", "bob", "\x1b[2Jhello\nthere");
    v1::Message own = MakeMessage("", "alice", "hi");
    own.set_client_message_id("c2");
    own.set_delivery_state(v1::DELIVERY_STATE_PENDING);
    *response->add_messages() = own;
    v1::Message file = MakeMessage("s3", "", "");
    file.add_attachments()->set_name("a.png");
    file.add_attachments();
    *response->add_messages() = file;
    return grpc::Status::OK;
  };
  const FakeDaemon daemon(methods);
  EXPECT_EQ(CliRunner(daemon).Run({"message", "list", "--room", "r"}).out,
            "TIME              FROM   STATE    ID  TEXT\n"
            "2020-01-02 03:04  bob             s1  .[2Jhello there\n"
            "2020-01-02 03:04  alice  pending  c2  hi\n"
            "2020-01-02 03:04  -               s3  [a.png] and 1 more\n");
}

TEST(MessageListTest, SaysThatThereAreNone) {
  FakeMethods methods;
  methods.list_messages = [](const v1::ListMessagesRequest&,
                             v1::ListMessagesResponse*) {
    return grpc::Status::OK;
  };
  const FakeDaemon daemon(methods);
  const RunResult result =
      CliRunner(daemon).Run({"message", "list", "--room", "r"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err, "parleyctl: no messages in room \"r\"\n");
}

}  // namespace
}  // namespace parley::cli
