#include "daemon/runtime/core_loop.h"

#include <atomic>
#include <cstdio>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "daemon/base/mutex.h"
#include "daemon/runtime/commit_thread.h"
#include "daemon/runtime/effect_router.h"
#include "daemon/storage/memory_store.h"
#include "daemon/storage/open.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::runtime {
namespace {

using ::testing::Contains;
using ::testing::Not;
using ::testing::StartsWith;

// Everything around the core thread; writes down what reaches it. Thread-safe.
class World : public TransportPort, public CredentialsPort, public ClientPort {
 public:
  void Open(core::ConnectionId connection, const std::string&) override {
    Add(absl::StrCat("open ", connection.value()));
  }
  void Send(core::ConnectionId, std::string text) override {
    Add(absl::StrCat("send ", text));
  }
  void Close(core::ConnectionId) override { Add("close"); }
  void Keep(base::Secret) override {}
  void Fetch(core::FetchId fetch) override {
    Add(absl::StrCat("fetch ", fetch.value()));
  }
  void OnReply(core::CallId call,
               absl::StatusOr<core::ReplyBody> result) override {
    Add(absl::StrCat("reply ", call.value(), " ",
                     absl::StatusCodeToString(result.status().code())));
  }
  void OnFeedAdvanced(model::ChangeSeq) override {}
  void OnStatus(const model::CoreStatus&) override {}

  void Add(std::string line) {
    base::MutexLock lock(&mutex_);
    lines_.push_back(std::move(line));
    changed_.SignalAll();
  }
  // The `count`th line that starts with `prefix`; "" when it does not come.
  std::string WaitFor(const std::string& prefix, int count = 1) {
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    base::MutexLock lock(&mutex_);
    while (true) {
      int found = 0;
      for (const std::string& line : lines_) {
        if (line.rfind(prefix, 0) == 0 && ++found == count) return line;
      }
      const absl::Duration left = deadline - absl::Now();
      if (left <= absl::ZeroDuration()) return "";
      changed_.WaitFor(&mutex_, left);
    }
  }
  std::vector<std::string> lines() {
    base::MutexLock lock(&mutex_);
    return lines_;
  }

 private:
  base::Mutex mutex_;
  base::CondVar changed_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mutex_);
};

class CoreLoopTest : public ::testing::Test {
 protected:
  CoreLoopTest() {
    EXPECT_TRUE(storage::PrepareStore(&store_, "store-1").ok());
    CoreLoop::Options options;
    options.on_store_status = [this](const absl::Status& status) {
      world_.Add(
          absl::StrCat("store ", absl::StatusCodeToString(status.code())));
    };
    core::EngineOptions engine;
    engine.connection.server_urls = {"http://server"};
    host_.emplace(engine, &commits_, &router_, base::Rng(1));
    loop_.emplace(options, &*host_, &mailbox_, &timers_, &clock_);
  }

  void Start() {
    ASSERT_TRUE(host_->Start(clock_.Now()).ok());
    loop_->Start();
  }
  void Join(uint64_t call, const char* room) {
    mailbox_.Post(
        core::Command{core::CallId(call), core::JoinRoom{model::RoomId(room)}});
  }

  World world_;
  storage::MemoryStore store_;
  RealClock clock_;
  Mailbox mailbox_{{}};
  TimerQueue timers_;
  CommitThread commits_{&store_, &mailbox_};
  EffectRouter router_{{&world_, &world_, &world_, &timers_}};
  std::optional<EngineHost> host_;
  std::optional<CoreLoop> loop_;
};

TEST_F(CoreLoopTest, AnswersCommandsWhenTheyAreDurable) {
  Start();
  Join(1, "general");
  EXPECT_EQ(world_.WaitFor("reply 1"), "reply 1 OK");
  mailbox_.Post(core::Command{core::CallId(2), core::GetStatus{}});
  EXPECT_EQ(world_.WaitFor("reply 2"), "reply 2 OK");
  EXPECT_TRUE(loop_->Stop(absl::Seconds(20)));
  EXPECT_EQ(store_.unsynced_commits(), 0u);
}

TEST_F(CoreLoopTest, FiresTimers) {
  Start();
  const std::string fetch = world_.WaitFor("fetch ");
  ASSERT_NE(fetch, "");
  core::CredentialsFetched fetched;
  uint64_t id = 0;
  ASSERT_EQ(sscanf(fetch.c_str(), "fetch %lu", &id), 1);
  fetched.fetch = core::FetchId(id);
  fetched.token = base::Secret("token");
  mailbox_.Post(std::move(fetched));
  const std::string open = world_.WaitFor("open ");
  ASSERT_EQ(sscanf(open.c_str(), "open %lu", &id), 1);
  core::TransportClosed closed;
  closed.connection = core::ConnectionId(id);
  closed.reason = "refused";
  mailbox_.Post(std::move(closed));
  // After a wait of its own choosing the core tries again.
  EXPECT_NE(world_.WaitFor("fetch ", 2), "");
  EXPECT_TRUE(loop_->Stop(absl::Seconds(20)));
}

TEST_F(CoreLoopTest, ServesWhatCameInBeforeItStops) {
  ASSERT_TRUE(host_->Start(clock_.Now()).ok());
  for (uint64_t call = 1; call <= 20; ++call) {
    Join(call, absl::StrCat("room-", call).c_str());
  }
  loop_->Start();
  EXPECT_TRUE(loop_->Stop(absl::Seconds(20)));
  for (uint64_t call = 1; call <= 20; ++call) {
    EXPECT_THAT(world_.lines(), Contains(absl::StrCat("reply ", call, " OK")));
  }
  EXPECT_EQ(store_.unsynced_commits(), 0u);
  Join(21, "too-late");
  EXPECT_FALSE(mailbox_.TryPost(core::Started{}));
}

TEST_F(CoreLoopTest, DoesNotWaitForEverForADiskThatHangs) {
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  store_.SetFaultHook([released](storage::MemoryStore::Operation) {
    released.wait();
    return std::optional<storage::MemoryStore::Failure>();
  });
  Start();
  Join(1, "general");
  // What promises nothing is answered although the disk hangs.
  mailbox_.Post(core::Command{core::CallId(2), core::GetStatus{}});
  EXPECT_EQ(world_.WaitFor("reply 2"), "reply 2 OK");
  EXPECT_FALSE(loop_->Stop(absl::Milliseconds(20)));
  EXPECT_THAT(world_.lines(), Not(Contains(StartsWith("reply 1"))));
  release.set_value();
}

TEST_F(CoreLoopTest, ReportsAStoreThatFailsAndComesBack) {
  std::atomic<int> failures = 1;
  store_.SetFaultHook([&](storage::MemoryStore::Operation operation) {
    std::optional<storage::MemoryStore::Failure> failure;
    if (operation == storage::MemoryStore::Operation::kCommit &&
        failures.fetch_sub(1) > 0) {
      failure.emplace();
      failure->status = absl::ResourceExhaustedError("full");
    }
    return failure;
  });
  Start();
  Join(1, "general");
  EXPECT_EQ(world_.WaitFor("store "), "store RESOURCE_EXHAUSTED");
  EXPECT_EQ(world_.WaitFor("store ", 2), "store OK");
  EXPECT_NE(world_.WaitFor("reply 1"), "reply 1 OK");
  Join(2, "general");
  EXPECT_EQ(world_.WaitFor("reply 2"), "reply 2 OK");
  EXPECT_TRUE(loop_->Stop(absl::Seconds(20)));
}

}  // namespace
}  // namespace parley::runtime
