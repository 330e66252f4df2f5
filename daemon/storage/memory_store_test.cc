#include "daemon/storage/memory_store.h"

#include "daemon/storage/testing/status_testing.h"
#include "gtest/gtest.h"

namespace parley::storage {
namespace {

Transaction Put(const std::string& key, const std::string& value,
                Durability durability = Durability::kRelaxed) {
  return {{{key, value}}, durability};
}

std::string Got(const StoreReader& reader, const std::string& key) {
  const auto value = reader.Get(key);
  EXPECT_OK(value);
  return value.ok() ? value->value_or("none") : "error";
}

// Fails the operation with this number, counted from 1.
MemoryStore::FaultHook FailAt(int number, MemoryStore::Failure failure) {
  return [number, failure, count = 0](MemoryStore::Operation) mutable
         -> std::optional<MemoryStore::Failure> {
    if (++count != number) return std::nullopt;
    return failure;
  };
}

TEST(MemoryStoreTest, DropsWhatWasNotSynced) {
  MemoryStore store;
  ASSERT_OK(store.Commit({Put("a", "1", Durability::kSync)}));
  ASSERT_OK(store.Commit({Put("a", "2"), Put("a", "3")}));
  ASSERT_OK(store.Commit({Put("b", "1")}));
  EXPECT_EQ(store.unsynced_commits(), 2u);
  store.DropUnsynced();
  EXPECT_EQ(Got(store, "a"), "1");
  EXPECT_EQ(Got(store, "b"), "none");
  EXPECT_EQ(store.unsynced_commits(), 0u);
}

TEST(MemoryStoreTest, DropsAnyTailOfTheUnsynced) {
  for (size_t kept = 0; kept <= 3; ++kept) {
    MemoryStore store;
    for (const char* value : {"1", "2", "3"}) {
      ASSERT_OK(store.Commit({Put("a", value)}));
    }
    store.DropUnsynced(kept);
    EXPECT_EQ(Got(store, "a"), kept == 0 ? "none" : std::to_string(kept));
  }
}

TEST(MemoryStoreTest, ASyncLeavesNothingToDrop) {
  MemoryStore store;
  ASSERT_OK(store.Commit({Put("a", "1")}));
  ASSERT_OK(store.Sync());
  EXPECT_EQ(store.unsynced_commits(), 0u);
  store.DropUnsynced();
  EXPECT_EQ(Got(store, "a"), "1");
}

TEST(MemoryStoreTest, DroppingDoesNotReachSnapshots) {
  MemoryStore store;
  ASSERT_OK(store.Commit({Put("a", "1")}));
  const auto snapshot = store.NewSnapshot();
  store.DropUnsynced();
  EXPECT_EQ(Got(*snapshot, "a"), "1");
  EXPECT_EQ(Got(store, "a"), "none");
}

TEST(MemoryStoreTest, ACloneIsIndependentAndKnowsWhatIsUnsynced) {
  MemoryStore store;
  ASSERT_OK(store.Commit({Put("a", "1", Durability::kSync)}));
  ASSERT_OK(store.Commit({Put("a", "2")}));
  const auto clone = store.Clone();
  ASSERT_OK(store.Commit({Put("a", "3")}));
  EXPECT_EQ(Got(*clone, "a"), "2");
  clone->DropUnsynced();
  EXPECT_EQ(Got(*clone, "a"), "1");
  EXPECT_EQ(Got(store, "a"), "3");
}

TEST(MemoryStoreTest, ACommitFailsBeforeItApplies) {
  MemoryStore store;
  ASSERT_OK(store.Commit({Put("a", "1")}));
  store.SetFaultHook(FailAt(1, {absl::ResourceExhaustedError("full")}));
  EXPECT_EQ(store.Commit({Put("a", "2", Durability::kSync)}),
            absl::ResourceExhaustedError("full"));
  EXPECT_EQ(Got(store, "a"), "1");
}

TEST(MemoryStoreTest, ACommitFailsAfterItApplied) {
  MemoryStore store;
  store.SetFaultHook(FailAt(1, {absl::UnavailableError("gone"), true}));
  EXPECT_EQ(store.Commit({Put("a", "1", Durability::kSync)}).code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(Got(store, "a"), "1");
  // Its sync is what failed, perhaps.
  EXPECT_EQ(store.unsynced_commits(), 1u);
  const auto cut = store.Clone();
  cut->DropUnsynced();
  EXPECT_EQ(Got(*cut, "a"), "none");
}

TEST(MemoryStoreTest, AFailureHoldsUntilRecover) {
  MemoryStore store;
  store.SetFaultHook(FailAt(1, {absl::UnavailableError("gone"), true}));
  EXPECT_FALSE(store.Commit({Put("a", "1")}).ok());
  EXPECT_EQ(store.Commit({Put("b", "1")}).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(store.Sync().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_OK(store.Recover());
  // What reads show afterwards stays.
  EXPECT_EQ(store.unsynced_commits(), 0u);
  EXPECT_EQ(Got(store, "a"), "1");
  ASSERT_OK(store.Commit({Put("b", "1")}));
}

TEST(MemoryStoreTest, SyncAndRecoverFailToo) {
  MemoryStore store;
  ASSERT_OK(store.Commit({Put("a", "1")}));
  store.SetFaultHook(FailAt(1, {absl::UnavailableError("gone")}));
  EXPECT_EQ(store.Sync(), absl::UnavailableError("gone"));
  EXPECT_EQ(store.unsynced_commits(), 1u);
  store.SetFaultHook(FailAt(1, {absl::ResourceExhaustedError("full")}));
  EXPECT_EQ(store.Recover(), absl::ResourceExhaustedError("full"));
  EXPECT_EQ(store.Sync().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_OK(store.Recover());
  ASSERT_OK(store.Sync());
}

TEST(MemoryStoreTest, TheHookLearnsTheOperation) {
  MemoryStore store;
  std::vector<MemoryStore::Operation> seen;
  store.SetFaultHook([&seen](MemoryStore::Operation operation) {
    seen.push_back(operation);
    return std::nullopt;
  });
  ASSERT_OK(store.Commit({Put("a", "1")}));
  ASSERT_OK(store.Sync());
  ASSERT_OK(store.Recover());
  using Operation = MemoryStore::Operation;
  EXPECT_EQ(seen, (std::vector<Operation>{Operation::kCommit, Operation::kSync,
                                          Operation::kRecover}));
}

}  // namespace
}  // namespace parley::storage
