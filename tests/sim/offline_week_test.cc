// A week without a server, in virtual time: the log says little, nothing
// grows, and the first attempt that finds the server works.
#include <malloc.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "daemon/base/check.h"
#include "daemon/base/rng.h"
#include "daemon/base/secret.h"
#include "daemon/base/time.h"
#include "daemon/core/api/effect.h"
#include "daemon/core/api/event.h"
#include "daemon/core/step_executor.h"
#include "daemon/runtime/engine_host.h"
#include "daemon/storage/memory_store.h"
#include "daemon/storage/open.h"
#include "gtest/gtest.h"

namespace parley::sim {
namespace {

constexpr absl::Time kStart = absl::FromUnixSeconds(1800000000);

// One engine, a disk that is at once done, and a server that is there or not.
class World : public runtime::StorePort, public core::EffectSink {
 public:
  World() {
    PARLEY_CHECK(storage::PrepareStore(&store_, "store").ok());
    core::EngineOptions options;
    options.connection.server_urls = {"ws://one.invalid", "ws://two.invalid"};
    host_ = std::make_unique<runtime::EngineHost>(options, this, this,
                                                  base::Rng(1));
    PARLEY_CHECK(host_->Start(Now()).ok());
  }

  void Run(absl::Duration duration) {
    const base::MonotonicTime end = now_ + duration;
    while (true) {
      Drain();
      auto next = timers_.end();
      for (auto it = timers_.begin(); it != timers_.end(); ++it) {
        if (next == timers_.end() || it->second < next->second) next = it;
      }
      if (next == timers_.end() || next->second > end) break;
      now_ = std::max(now_, next->second);
      const core::TimerId timer = next->first;
      timers_.erase(next);
      events_.push_back(core::TimerFired{timer});
    }
    now_ = end;
  }

  void StartServer() { server_up_ = true; }
  void Post(core::Event event) { events_.push_back(std::move(event)); }

  // StorePort.
  const storage::StoreReader& reader() const override { return store_; }
  void Submit(core::CommitRequest request) override {
    commits_.push_back(std::move(request));
  }
  void Recover() override { FAIL() << "the store did not fail"; }

  // EffectSink.
  void Perform(core::EffectBody effect) override {
    if (const auto* fetch = std::get_if<core::FetchCredentials>(&effect)) {
      Post(core::CredentialsFetched{fetch->fetch, base::Secret("token")});
    } else if (auto* open = std::get_if<core::OpenConnection>(&effect)) {
      ++attempts;
      if (server_up_) {
        Accept(open->connection);
      } else {
        core::TransportClosed closed;
        closed.connection = open->connection;
        closed.reason = "connection refused";
        Post(closed);
      }
    } else if (auto* set = std::get_if<core::SetTimer>(&effect)) {
      timers_[set->timer] = set->at;
    } else if (auto* cancel = std::get_if<core::CancelTimer>(&effect)) {
      timers_.erase(cancel->timer);
    } else if (auto* log = std::get_if<core::Log>(&effect)) {
      if (log->severity != core::Log::Severity::kDebug) ++lines;
    } else if (auto* changed = std::get_if<core::StatusChanged>(&effect)) {
      status = std::move(changed->status);
    }
  }

  size_t timers() const { return timers_.size(); }

  uint64_t attempts = 0;
  uint64_t lines = 0;  // of the log, as it is by default
  model::CoreStatus status;

 private:
  base::Now Now() const {
    return {now_, kStart + (now_ - base::MonotonicTime())};
  }

  void Accept(core::ConnectionId connection) {
    Post(core::TransportOpened{connection});
    for (const char* text :
         {R"(0{"sid":"a","upgrades":[],"pingInterval":25000,)"
          R"("pingTimeout":60000,"maxPayload":1000000})",
          R"(40{"sid":"b"})",
          R"(42["connected",{"userId":"alice","protocolVersion":"1.0"}])"}) {
      Post(core::TextReceived{connection, text});
    }
  }

  void Drain() {
    while (!events_.empty() || !commits_.empty()) {
      if (!commits_.empty()) {
        const core::CommitRequest commit = std::move(commits_.front());
        commits_.pop_front();
        host_->OnCommitDone(commit.commit, store_.Commit(commit.transactions),
                            Now());
        continue;
      }
      core::Event event = std::move(events_.front());
      events_.pop_front();
      host_->Handle(std::move(event), Now());
    }
  }

  storage::MemoryStore store_;
  std::unique_ptr<runtime::EngineHost> host_;
  base::MonotonicTime now_ = base::MonotonicTime() + absl::Hours(1);
  std::deque<core::Event> events_;
  std::deque<core::CommitRequest> commits_;
  std::map<core::TimerId, base::MonotonicTime> timers_;
  bool server_up_ = false;
};

size_t HeapBytes() { return mallinfo2().uordblks; }

TEST(OfflineWeekTest, SaysLittleGrowsNothingAndComesBack) {
  World world;
  world.Run(absl::Hours(24));
  const size_t heap_after_a_day = HeapBytes();
  const size_t timers_after_a_day = world.timers();
  for (int day = 2; day <= 7; ++day) {
    world.Run(absl::Hours(24));
    // As a laptop's does, several times a day.
    for (const bool online : {false, true}) {
      world.Post(core::NetworkChanged{online});
      world.Post(core::SystemResumed{});
      world.Run(absl::Minutes(1));
    }
  }
  // It never gave up: two servers, each at least every thirty seconds.
  EXPECT_GE(world.attempts, 2 * 7 * 24 * 120);
  EXPECT_EQ(world.timers(), timers_after_a_day);
  EXPECT_LE(HeapBytes(), heap_after_a_day + 16 * 1024);
  // Of forty thousand attempts: the first ones after each news of the network
  // one by one, then ever fewer.
  EXPECT_LE(world.lines, 1000);
  EXPECT_EQ(world.status.connection.state, model::ConnectionState::kWaiting);

  world.StartServer();
  world.Run(absl::Seconds(31));
  EXPECT_EQ(world.status.connection.state, model::ConnectionState::kReady);
}

}  // namespace
}  // namespace parley::sim
