#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "clients/cli/cli_runner.h"

namespace parley::cli {
namespace {

using ::parley::client::DaemonError;
using ::parley::client::FakeDaemon;
using ::parley::client::FakeMethods;
using ::testing::HasSubstr;

v1::OutboxEntry MakeEntry(const std::string& id, v1::OutboxState state) {
  v1::OutboxEntry entry;
  entry.set_client_message_id(id);
  entry.set_room("general");
  entry.set_state(state);
  entry.set_text("hi");
  entry.set_sends(1);
  *entry.mutable_accepted_at() = Ago(absl::Minutes(5) + absl::Seconds(20));
  if (state == v1::OUTBOX_STATE_FAILED) {
    entry.set_failure_reason(v1::FAILURE_REASON_TOO_MANY_FAILURES);
    entry.set_last_error_code("INTERNAL_ERROR");
  }
  return entry;
}

grpc::Status NotFound() {
  return DaemonError(grpc::StatusCode::NOT_FOUND, "NOT_FOUND",
                     "there is no such entry, it was sent");
}

TEST(OutboxListTest, ListsAllPages) {
  FakeMethods methods;
  methods.list_outbox = [](const v1::ListOutboxRequest& request,
                           v1::ListOutboxResponse* response) {
    if (request.failed_only() || !request.page_token().empty()) {
      *response->add_entries() = MakeEntry("m2", v1::OUTBOX_STATE_FAILED);
    } else {
      *response->add_entries() = MakeEntry("m1", v1::OUTBOX_STATE_PENDING);
      response->set_next_page_token("2");
    }
    return grpc::Status::OK;
  };
  const FakeDaemon daemon(methods);
  const CliRunner runner(daemon);
  EXPECT_EQ(
      runner.Run({"outbox", "list"}).out,
      "ID  ROOM     STATE    AGE    SENDS  ERROR                              "
      "TEXT\n"
      "m1  general  pending  5 min  1                                         "
      "hi\n"
      "m2  general  failed   5 min  1      too many failures: INTERNAL_ERROR  "
      "hi\n");
  const auto json = runner.Run({"outbox", "list", "--json"}).OneJson();
  ASSERT_EQ(json["entries"].size(), 2u);
  EXPECT_EQ(json["entries"][0]["clientMessageId"], "m1");
  EXPECT_EQ(json["entries"][0]["queueSeq"], "0");  // 64 bits are a string
  const auto failed =
      runner.Run({"outbox", "list", "--failed", "--output", "jsonl"}).Json();
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0]["state"], "OUTBOX_STATE_FAILED");
}

TEST(OutboxListTest, SaysThatItIsEmpty) {
  FakeMethods methods;
  methods.list_outbox = [](const v1::ListOutboxRequest&,
                           v1::ListOutboxResponse*) {
    return grpc::Status::OK;
  };
  const FakeDaemon daemon(methods);
  const RunResult result = CliRunner(daemon).Run({"outbox", "list"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err, "parleyctl: nothing is waiting to be sent\n");
}

TEST(OutboxShowTest, ShowsTheHistory) {
  FakeMethods methods;
  methods.get_outbox_entry = [](const v1::GetOutboxEntryRequest& request,
                                v1::GetOutboxEntryResponse* response) {
    if (request.client_message_id() != "m1") return NotFound();
    v1::OutboxEntry* entry = response->mutable_entry();
    *entry = MakeEntry("m1", v1::OUTBOX_STATE_FAILED);
    entry->mutable_accepted_at()->set_seconds(1577934245);
    for (const char* what : {"sent", "refused"}) {
      v1::OutboxAttempt* event = entry->add_history();
      event->mutable_time()->set_seconds(1577934245);
      event->set_what(what);
    }
    entry->mutable_history(1)->set_detail("INTERNAL_ERROR");
    return grpc::Status::OK;
  };
  const FakeDaemon daemon(methods);
  const CliRunner runner(daemon);
  EXPECT_EQ(runner.Run({"outbox", "show", "m1"}).out,
            "id        m1\n"
            "room      general\n"
            "state     failed\n"
            "accepted  2020-01-02 03:04\n"
            "sends     1\n"
            "error     too many failures: INTERNAL_ERROR\n"
            "text      hi\n"
            "history   2020-01-02 03:04  sent\n"
            "          2020-01-02 03:04  refused: INTERNAL_ERROR\n");
  const RunResult result = runner.Run({"outbox", "show", "m2"});
  EXPECT_EQ(result.code, 7);
  EXPECT_EQ(result.err,
            "parleyctl: cannot show outbox entry m2: there is no such entry, "
            "it was sent\n");
}

TEST(OutboxRetryTest, QueuesAgain) {
  FakeMethods methods;
  methods.retry_message = [](const v1::RetryMessageRequest& request,
                             v1::RetryMessageResponse*) {
    return request.client_message_id() == "m1" ? grpc::Status::OK : NotFound();
  };
  const FakeDaemon daemon(methods);
  const CliRunner runner(daemon);
  EXPECT_EQ(runner.Run({"outbox", "retry", "m1"}).out, "queued m1\n");
  EXPECT_EQ(runner.Run({"outbox", "retry", "m2"}).code, 7);
}

TEST(OutboxCancelTest, TellsTheTruth) {
  FakeMethods methods;
  methods.cancel_message = [](const v1::CancelMessageRequest& request,
                              v1::CancelMessageResponse* response) {
    response->set_outcome(request.client_message_id() == "early"
                              ? v1::CANCEL_OUTCOME_CANCELLED
                          : request.client_message_id() == "late"
                              ? v1::CANCEL_OUTCOME_ALREADY_SENT
                              : v1::CANCEL_OUTCOME_POSSIBLY_SENT);
    return grpc::Status::OK;
  };
  const FakeDaemon daemon(methods);
  const CliRunner runner(daemon);

  RunResult result = runner.Run({"outbox", "cancel", "early"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out, "cancelled early\n");
  EXPECT_EQ(result.err, "");

  result = runner.Run({"outbox", "cancel", "late"});
  EXPECT_EQ(result.code, 8);
  EXPECT_EQ(result.out, "already sent late\n");
  EXPECT_THAT(result.err, HasSubstr("the server has it already"));

  result = runner.Run({"outbox", "cancel", "maybe", "--json"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.OneJson()["outcome"], "CANCEL_OUTCOME_POSSIBLY_SENT");
  EXPECT_THAT(result.err, HasSubstr("may have reached the server"));
}

TEST(OutboxFlushTest, TellsHowManyAreTried) {
  FakeMethods methods;
  methods.flush_outbox = [](const v1::FlushOutboxRequest&,
                            v1::FlushOutboxResponse* response) {
    response->set_queued(1);
    return grpc::Status::OK;
  };
  const FakeDaemon daemon(methods);
  EXPECT_EQ(CliRunner(daemon).Run({"outbox", "flush"}).out,
            "trying 1 queued message\n");
}

}  // namespace
}  // namespace parley::cli
