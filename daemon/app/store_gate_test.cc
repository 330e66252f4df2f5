#include "daemon/app/store_gate.h"

#include <future>
#include <memory>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "daemon/model/errors.h"
#include "daemon/storage/memory_store.h"
#include "daemon/storage/open.h"
#include "gtest/gtest.h"

namespace parley::app {
namespace {

// A store whose recovery says what it is told to, and when.
class RecoveringStore : public storage::MemoryStore {
 public:
  RecoveringStore() { EXPECT_TRUE(storage::PrepareStore(this, "store").ok()); }
  absl::Status Recover() override {
    started.set_value();
    return outcome.get_future().get();
  }
  std::promise<void> started;
  std::promise<absl::Status> outcome;
};

storage::Transaction Put(const std::string& key) {
  return {{{key, "value"}}, storage::Durability::kSync};
}

TEST(StoreGateTest, PassesEverythingOnWhileItIsOpen) {
  storage::MemoryStore store;
  StoreGate gate(&store);
  ASSERT_TRUE(gate.Commit({Put("a")}).ok());
  ASSERT_TRUE(gate.Sync().ok());
  EXPECT_EQ(gate.Get("a")->value(), "value");
  EXPECT_EQ(gate.Scan("", "", 10, storage::ScanOrder::kAscending)->size(), 1u);
  const auto snapshot = gate.access()->NewSnapshot();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  ASSERT_TRUE(gate.Commit({Put("b")}).ok());
  EXPECT_TRUE((*snapshot)->Get("a")->has_value());
  EXPECT_FALSE((*snapshot)->Get("b")->has_value());
  EXPECT_EQ(
      (*snapshot)->Scan("", "", 10, storage::ScanOrder::kAscending)->size(),
      1u);
  EXPECT_TRUE(gate.NewSnapshot()->Get("b")->has_value());
}

TEST(StoreGateTest, RecoversWhenTheLastSnapshotIsGivenBack) {
  RecoveringStore store;
  StoreGate gate(&store);
  auto snapshot = gate.access()->NewSnapshot();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  std::thread recovery([&] { EXPECT_TRUE(gate.Recover().ok()); });
  // From the moment that the recovery waits, clients are told so.
  absl::Status refused;
  while (refused.ok()) refused = gate.access()->NewSnapshot().status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(model::ErrorReasonOf(refused), model::ErrorReason::kStoreFailed);
  EXPECT_EQ(model::RetryAfterOf(refused), absl::Seconds(1));
  EXPECT_EQ(store.started.get_future().wait_for(std::chrono::seconds(0)),
            std::future_status::timeout);
  snapshot->reset();
  store.outcome.set_value(absl::OkStatus());
  recovery.join();
  EXPECT_TRUE(gate.access()->NewSnapshot().ok());
}

TEST(StoreGateTest, StaysClosedAfterARecoveryThatFailed) {
  RecoveringStore store;
  StoreGate gate(&store);
  store.outcome.set_value(absl::ResourceExhaustedError("full"));
  EXPECT_FALSE(gate.Recover().ok());
  const absl::Status refused = gate.access()->NewSnapshot().status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(model::ErrorReasonOf(refused), model::ErrorReason::kStoreFull);
  store.started = std::promise<void>();
  store.outcome = std::promise<absl::Status>();
  store.outcome.set_value(absl::OkStatus());
  EXPECT_TRUE(gate.Recover().ok());
  EXPECT_TRUE(gate.access()->NewSnapshot().ok());
}

}  // namespace
}  // namespace parley::app
