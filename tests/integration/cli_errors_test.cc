// What parleyctl and parleyd say when something is wrong: one line, the right
// exit code, and nothing deleted. Real processes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/storage/keys.h"
#include "daemon/storage/open.h"
#include "daemon/storage/records.h"
#include "daemon/storage/rocksdb/rocksdb_store.h"
#include "tests/integration/harness/tcp_proxy.h"
#include "tests/integration/harness/test_bed.h"

namespace parley::integration {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

MATCHER_P(IsOneLineOf, program, "is one line of " + std::string(program)) {
  return std::count(arg.begin(), arg.end(), '\n') == 1 && arg.back() == '\n' &&
         arg.rfind(absl::StrCat(program, ": "), 0) == 0;
}

// --- parleyctl ---------------------------------------------------------------

void ExpectRefusal(const RunResult& result, ExitStatus code,
                   const std::string& what) {
  EXPECT_EQ(result.code, code);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, AllOf(IsOneLineOf("parleyctl"), HasSubstr(what)));
}

TEST(ParleyctlTest, SaysThatNoDaemonIsThere) {
  const TestBed bed;
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{
           {"status"},
           {"connect"},
           {"watch"},
           {"health"},
           {"room", "list"},
           {"message", "send", "--room", "a", "--text", "b"},
           {"outbox", "flush"}}) {
    ExpectRefusal(RunCtl(bed.dir(), arguments), 3,
                  absl::StrCat("there is no socket at ", bed.dir(),
                               "/parley/default.sock"));
  }
}

TEST(ParleyctlTest, SaysThatAPathIsWrong) {
  const TestBed bed;
  ExpectRefusal(RunCtl(bed.dir(), {"status", "--socket", "/no/such/place"}), 3,
                "there is no socket at /no/such/place");
  ExpectRefusal(RunCtl(bed.dir(), {"status", "--socket", bed.dir()}), 3,
                "is no socket");
  ExpectRefusal(
      RunCtl(bed.dir(), {"status", "--socket", std::string(300, 'x')}), 2,
      "300 bytes");
}

TEST(ParleyctlTest, SaysThatArgumentsAreGarbage) {
  const TestBed bed;
  ExpectRefusal(RunCtl(bed.dir(), {}), 2, "a verb is missing");
  ExpectRefusal(RunCtl(bed.dir(), {"rooms"}), 2, "unknown verb 'rooms'");
  ExpectRefusal(RunCtl(bed.dir(), {"\x01\x02", "--\xff"}), 2, "is no UTF-8");
  ExpectRefusal(RunCtl(bed.dir(), {"status", "--timeout", "soon"}), 2,
                "is no duration");
}

TEST(ParleyctlTest, TellsADeadSocketFromNone) {
  TestBed bed;
  ASSERT_OK(bed.server().Start());
  Daemon& alice = bed.AddDaemon("alice");
  ASSERT_OK(alice.Start());
  alice.Kill();
  ExpectRefusal(alice.Ctl({"status"}), 3, "nobody listens on");
  ExpectRefusal(alice.Ctl({"health", "--wait", "100ms"}), 6,
                "not healthy after 100ms");

  // The wait covers the dead socket, and a daemon that is only starting.
  RunResult result;
  std::thread waiter([&] { result = alice.Ctl({"health", "--wait", "60s"}); });
  EXPECT_TRUE(alice.Start().ok());
  waiter.join();
  EXPECT_EQ(result.code, 0) << result.err;
}

TEST(ParleyctlTest, SaysThatADaemonDoesNotAnswer) {
  TestBed bed;
  ASSERT_OK(bed.server().Start());
  Daemon& alice = bed.AddDaemon("alice");
  ASSERT_OK(alice.Start());
  kill(alice.pid(), SIGSTOP);
  const RunResult result = alice.Ctl({"status", "--timeout", "200ms"});
  kill(alice.pid(), SIGCONT);
  ExpectRefusal(result, 6, "no answer within 200ms");
}

TEST(ParleyctlTest, TellsWhatTheDaemonRefuses) {
  TestBed bed;
  ASSERT_OK(bed.server().Start());
  Daemon& alice = bed.AddDaemon("alice");
  ASSERT_OK(alice.Start());
  ExpectRefusal(
      alice.Ctl({"message", "send", "--room", "nowhere", "--text", "hi"}), 1,
      "cannot send to room \"nowhere\": ");
  ExpectRefusal(alice.Ctl({"room", "show", "--room", "nowhere"}), 7,
                "cannot show room \"nowhere\": ");
  ExpectRefusal(alice.Ctl({"room", "join", "--room", std::string(256, 'x')}), 2,
                "cannot join room ");
  ExpectRefusal(alice.Ctl({"outbox", "cancel", "no-such-id"}), 7,
                "cannot cancel message no-such-id: ");

  ASSERT_EQ(alice.Ctl({"room", "join", "--room", "r"}).code, 0);
  std::vector<std::string> send = {
      "message", "send", "--room", "r", "--text", "one", "--client-message-id",
      "m1"};
  ASSERT_EQ(alice.Ctl(send).code, 0);
  send[5] = "another";
  ExpectRefusal(alice.Ctl(send), 8, "cannot send to room \"r\": ");
}

// --- parleyd: its files ------------------------------------------------------

// The names and contents of all files below a folder.
std::map<std::string, std::string> ReadTree(const std::string& dir) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir)) {
    if (entry.is_regular_file()) {
      files[entry.path().string()] = ReadTextFile(entry.path().string());
    }
  }
  return files;
}

// A daemon of alice that has met the server, joined a room, left a message in
// its queue, and ended.
class StoredDaemonTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(bed_.server().Start());
    alice_ = &bed_.AddDaemon("alice");
    ASSERT_OK(alice_->Start());
    ASSERT_EQ(alice_->Ctl({"health", "--upstream", "--wait", "60s"}).code, 0);
    ASSERT_EQ(alice_->Ctl({"room", "join", "--room", "r"}).code, 0);
    ASSERT_EQ(alice_->Ctl({"disconnect"}).code, 0);
    ASSERT_EQ(
        alice_->Ctl({"message", "send", "--room", "r", "--text", "kept"}).code,
        0);
    const auto code = alice_->Stop();
    ASSERT_OK(code);
    ASSERT_EQ(*code, 0);
  }

  std::string store_dir() const { return alice_->state_dir() + "/store"; }

  void ExpectRefusesToRun(const std::vector<std::string>& what) {
    const auto result = alice_->RunToEnd();
    ASSERT_OK(result);
    EXPECT_EQ(result->code, 1);
    for (const std::string& part : what) {
      EXPECT_THAT(result->err, HasSubstr(part));
    }
    // The log may say more before it; the reason is the last line.
    const size_t line = result->err.rfind('\n', result->err.size() - 2);
    EXPECT_THAT(result->err.substr(line == std::string::npos ? 0 : line + 1),
                IsOneLineOf("parleyd"));
  }

  TestBed bed_;
  Daemon* alice_ = nullptr;
};

TEST_F(StoredDaemonTest, NamesTheProcessThatHoldsTheStateDirectory) {
  ASSERT_OK(alice_->Start());
  Daemon& second = bed_.AddDaemon("alice", "second");
  second.options().state_dir = alice_->state_dir();
  const auto result = second.RunToEnd();
  ASSERT_OK(result);
  EXPECT_EQ(result->code, 1);
  EXPECT_THAT(result->err,
              AllOf(HasSubstr(alice_->state_dir()),
                    HasSubstr(absl::StrCat("pid ", alice_->pid()))));
  EXPECT_EQ(alice_->Ctl({"health"}).code, 0);
}

TEST_F(StoredDaemonTest, DeletesNothingOfACorruptStore) {
  // What RocksDB reads first of all.
  for (const auto& file : std::filesystem::directory_iterator(store_dir())) {
    if (file.path().filename().string().rfind("MANIFEST", 0) == 0) {
      std::ofstream(file.path(), std::ios::trunc) << "certainly no manifest";
    }
  }
  const auto before = ReadTree(store_dir());
  ExpectRefusesToRun({"damaged", store_dir(), "Nothing was deleted"});
  for (const auto& [path, content] : before) {
    const std::string name = std::filesystem::path(path).filename();
    if (name == "LOG" || name == "LOCK") continue;  // of each opening
    EXPECT_EQ(ReadTextFile(path), content) << path;
  }
}

TEST_F(StoredDaemonTest, RefusesANewerSchema) {
  {
    auto store = storage::RocksDbStore::Open(store_dir(), {});
    ASSERT_OK(store);
    const std::string key = storage::MetaKey(storage::MetaField::kSchema);
    storage::Transaction transaction;
    transaction.durability = storage::Durability::kSync;
    transaction.writes = {
        {key, storage::EncodeSchemaVersion(key, storage::kSchemaVersion + 1)}};
    ASSERT_OK((*store)->Commit({transaction}));
  }
  ExpectRefusesToRun({"newer version"});
}

TEST_F(StoredDaemonTest, RefusesTheStoreOfAnotherAccount) {
  const auto token = RealtimeServer::Token("bob");
  ASSERT_OK(token);
  const std::string of_alice = alice_->options().token;
  alice_->options().token = *token;
  ExpectRefusesToRun({"alice", "bob", alice_->state_dir()});

  // With her own token all is still there.
  alice_->options().token = of_alice;
  ASSERT_OK(alice_->Start());
  const auto outbox = alice_->CtlJson({"outbox", "list"});
  ASSERT_OK(outbox);
  EXPECT_EQ((*outbox)["entries"].size(), 1u);
}

TEST(ConfigTest, NamesTheLineAndTheNearestKey) {
  TestBed bed;
  Daemon& alice = bed.AddDaemon("alice");
  const struct {
    const char* config;
    std::vector<std::string> what;
  } cases[] = {
      {"# first line\n[outbox]\nmax_entires = 5\n",
       {"config.toml:3", "max_entires", "max_entries"}},
      {"[outbox]\nmax_entries = \"many\"\n", {"config.toml:2", "max_entries"}},
      {"this is no TOML\n", {"config.toml:1"}},
  };
  for (const auto& c : cases) {
    alice.options().config = c.config;
    const auto result = alice.RunToEnd();
    ASSERT_OK(result);
    EXPECT_NE(result->code, 0);
    EXPECT_THAT(result->err, IsOneLineOf("parleyd"));
    for (const std::string& part : c.what) {
      EXPECT_THAT(result->err, HasSubstr(part)) << c.config;
    }
  }
}

// --- parleyd: its server -----------------------------------------------------

// Servers that are none. The daemon serves its clients all the same, tells
// what is wrong, tries again, and is well once the server is.
class BadServerTest : public testing::TestWithParam<TcpProxy::Mode> {};

TEST_P(BadServerTest, StaysUpReportsAndKeepsTrying) {
  TestBed bed;
  ASSERT_OK(bed.server().Start());
  TcpProxy proxy(bed.server().port());
  proxy.SetMode(GetParam());
  Daemon& alice = bed.AddDaemon("alice");
  alice.options().server_url = absl::StrCat("http://127.0.0.1:", proxy.port());
  ASSERT_OK(alice.Start());

  EXPECT_EQ(alice.Ctl({"health"}).code, 0);
  EXPECT_EQ(alice.Ctl({"room", "join", "--room", "r"}).code, 0);
  EXPECT_EQ(alice.Ctl({"message", "send", "--room", "r", "--text", "hi"}).code,
            0);
  const RunResult upstream = alice.Ctl({"health", "--upstream"});
  EXPECT_EQ(upstream.code, 1);
  EXPECT_THAT(upstream.err, IsOneLineOf("parleyctl"));

  // One that says nothing is given up only after the connect timeout.
  const bool tells = GetParam() != TcpProxy::Mode::kSilent;
  if (tells) {
    EXPECT_TRUE(WaitForConnection(alice, "WAITING"));
    EXPECT_TRUE(WaitFor([&] { return proxy.stats().accepted >= 2; }));
    const auto status = alice.CtlJson({"status"});
    ASSERT_OK(status);
    const nlohmann::json& connection = (*status)["status"]["connection"];
    EXPECT_NE(connection["lastErrorMessage"], "") << connection;
    EXPECT_NE(connection["lastErrorCode"], "") << connection;
    EXPECT_GE(connection["failedAttempts"], 1) << connection;
  } else {
    EXPECT_TRUE(WaitFor([&] { return proxy.stats().accepted >= 1; }));
    proxy.CutAll();
  }

  proxy.SetMode(TcpProxy::Mode::kForward);
  EXPECT_EQ(alice.Ctl({"health", "--upstream", "--wait", "60s"}).code, 0);
  EXPECT_TRUE(WaitFor([&] {
    const auto texts = bed.server().Texts("r", "alice");
    return texts.ok() && *texts == std::vector<std::string>{"hi"};
  }));
}

std::string ModeName(const testing::TestParamInfo<TcpProxy::Mode>& info) {
  switch (info.param) {
    case TcpProxy::Mode::kGarbage:
      return "AnswersGarbage";
    case TcpProxy::Mode::kClose:
      return "ClosesAtOnce";
    default:
      return "SaysNothing";
  }
}

INSTANTIATE_TEST_SUITE_P(All, BadServerTest,
                         testing::Values(TcpProxy::Mode::kGarbage,
                                         TcpProxy::Mode::kClose,
                                         TcpProxy::Mode::kSilent),
                         ModeName);

}  // namespace
}  // namespace parley::integration
