#include <string>
#include <utility>
#include <vector>

#include "daemon/base/rng.h"
#include "daemon/storage/testing/status_testing.h"
#include "daemon/storage/testing/suites.h"

namespace parley::storage {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

Transaction Puts(std::vector<Write> writes,
                 Durability durability = Durability::kRelaxed) {
  Transaction transaction;
  transaction.writes = std::move(writes);
  transaction.durability = durability;
  return transaction;
}

Pairs Scanned(const StoreReader& reader, absl::string_view begin = {},
              absl::string_view end = {}, size_t limit = 1000,
              ScanOrder order = ScanOrder::kAscending) {
  Pairs pairs;
  auto rows = reader.Scan(begin, end, limit, order);
  EXPECT_OK(rows);
  if (rows.ok()) {
    for (Row& row : *rows) {
      pairs.emplace_back(std::move(row.key), std::move(row.value));
    }
  }
  return pairs;
}

std::optional<std::string> Got(const StoreReader& reader,
                               absl::string_view key) {
  auto value = reader.Get(key);
  EXPECT_OK(value);
  return value.ok() ? *std::move(value) : std::nullopt;
}

TEST_P(StoreContractTest, StartsEmpty) {
  EXPECT_EQ(Got(*store(), "a"), std::nullopt);
  EXPECT_EQ(Scanned(*store()), Pairs());
}

TEST_P(StoreContractTest, PutsReplaceAndDelete) {
  ASSERT_OK(store()->Commit({Puts({{"a", "1"}, {"b", "2"}, {"c", "3"}})}));
  ASSERT_OK(store()->Commit({Puts({{"a", "4"}, {"b", std::nullopt}})}));
  EXPECT_EQ(Got(*store(), "a"), "4");
  EXPECT_EQ(Got(*store(), "b"), std::nullopt);
  EXPECT_EQ(Scanned(*store()), (Pairs{{"a", "4"}, {"c", "3"}}));
}

TEST_P(StoreContractTest, TransactionsApplyInOrder) {
  ASSERT_OK(store()->Commit({Puts({{"a", "1"}, {"a", "2"}}),
                             Puts({{"a", std::nullopt}, {"b", "1"}}),
                             Puts({{"a", "3"}})}));
  EXPECT_EQ(Scanned(*store()), (Pairs{{"a", "3"}, {"b", "1"}}));
}

TEST_P(StoreContractTest, DeletingWhatIsNotThereIsFine) {
  ASSERT_OK(store()->Commit({Puts({{"a", std::nullopt}})}));
  EXPECT_EQ(Scanned(*store()), Pairs());
}

TEST_P(StoreContractTest, KeysAndValuesAreBytes) {
  const std::string key("\0\xff\x01\n", 4);
  const std::string value("\0\0\xfe", 3);
  ASSERT_OK(store()->Commit({Puts({{key, value}, {"empty", ""}})}));
  EXPECT_EQ(Got(*store(), key), value);
  EXPECT_EQ(Got(*store(), "empty"), "");
  harness()->Restart();
  EXPECT_EQ(Got(*store(), key), value);
  EXPECT_EQ(Got(*store(), "empty"), "");
}

TEST_P(StoreContractTest, OrderIsThatOfUnsignedBytes) {
  ASSERT_OK(store()->Commit(
      {Puts({{"\x80", "c"}, {"\x7f", "b"}, {"a", "a"}, {"aa", "a"}})}));
  EXPECT_EQ(Scanned(*store()),
            (Pairs{{"a", "a"}, {"aa", "a"}, {"\x7f", "b"}, {"\x80", "c"}}));
}

TEST_P(StoreContractTest, ScansHaveBoundsLimitsAndTwoDirections) {
  ASSERT_OK(store()->Commit(
      {Puts({{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}})}));
  const auto down = ScanOrder::kDescending;
  EXPECT_EQ(Scanned(*store(), "b", "d"), (Pairs{{"b", "2"}, {"c", "3"}}));
  EXPECT_EQ(Scanned(*store(), "b", "d", 9, down),
            (Pairs{{"c", "3"}, {"b", "2"}}));
  EXPECT_EQ(Scanned(*store(), "bb", ""), (Pairs{{"c", "3"}, {"d", "4"}}));
  EXPECT_EQ(Scanned(*store(), "bb", "", 1), (Pairs{{"c", "3"}}));
  EXPECT_EQ(Scanned(*store(), "bb", "", 1, down), (Pairs{{"d", "4"}}));
  EXPECT_EQ(Scanned(*store(), "", "", 0), Pairs());
  EXPECT_EQ(Scanned(*store(), "b", "b"), Pairs());
  EXPECT_EQ(Scanned(*store(), "c", "b"), Pairs());
  EXPECT_EQ(Scanned(*store(), "c", "b", 9, down), Pairs());
  EXPECT_EQ(Scanned(*store(), "e", ""), Pairs());
  EXPECT_EQ(Scanned(*store(), "", "a", 9, down), Pairs());
}

TEST_P(StoreContractTest, ASnapshotDoesNotChange) {
  ASSERT_OK(store()->Commit({Puts({{"a", "1"}, {"b", "1"}})}));
  const auto snapshot = store()->NewSnapshot();
  ASSERT_OK(
      store()->Commit({Puts({{"a", "2"}, {"b", std::nullopt}, {"c", "2"}})}));
  EXPECT_EQ(Scanned(*snapshot), (Pairs{{"a", "1"}, {"b", "1"}}));
  EXPECT_EQ(Got(*snapshot, "a"), "1");
  EXPECT_EQ(Got(*snapshot, "c"), std::nullopt);
  EXPECT_EQ(Scanned(*store()), (Pairs{{"a", "2"}, {"c", "2"}}));
}

TEST_P(StoreContractTest, ARestartKeepsRelaxedWrites) {
  ASSERT_OK(store()->Commit({Puts({{"a", "1"}})}));
  harness()->Restart();
  EXPECT_EQ(Scanned(*store()), (Pairs{{"a", "1"}}));
}

TEST_P(StoreContractTest, APowerCutKeepsSyncedWrites) {
  ASSERT_OK(store()->Commit({Puts({{"a", "1"}}, Durability::kSync)}));
  harness()->PowerCut();
  EXPECT_EQ(Scanned(*store()), (Pairs{{"a", "1"}}));
}

TEST_P(StoreContractTest, ASyncCommitTakesTheRelaxedOnesBeforeItAlong) {
  ASSERT_OK(store()->Commit({Puts({{"a", "1"}})}));
  ASSERT_OK(store()->Commit({Puts({{"b", "1"}}, Durability::kSync)}));
  harness()->PowerCut();
  EXPECT_EQ(Scanned(*store()), (Pairs{{"a", "1"}, {"b", "1"}}));
}

TEST_P(StoreContractTest, TheStrongestDurabilityOfACommitCounts) {
  ASSERT_OK(store()->Commit({Puts({{"a", "1"}}),
                             Puts({{"b", "1"}}, Durability::kSync),
                             Puts({{"c", "1"}})}));
  harness()->PowerCut();
  EXPECT_EQ(Scanned(*store()), (Pairs{{"a", "1"}, {"b", "1"}, {"c", "1"}}));
}

TEST_P(StoreContractTest, SyncCoversWhatWasCommitted) {
  ASSERT_OK(store()->Commit({Puts({{"a", "1"}})}));
  ASSERT_OK(store()->Sync());
  harness()->PowerCut();
  EXPECT_EQ(Scanned(*store()), (Pairs{{"a", "1"}}));
}

TEST_P(StoreContractTest, APowerCutTakesOnlyAnUnsyncedTail) {
  ASSERT_OK(store()->Commit({Puts({{"a", "1"}}, Durability::kSync)}));
  ASSERT_OK(store()->Commit({Puts({{"a", "2"}, {"b", "2"}})}));
  ASSERT_OK(store()->Commit({Puts({{"a", "3"}})}));
  harness()->PowerCut();
  const Pairs left = Scanned(*store());
  EXPECT_TRUE(left == (Pairs{{"a", "1"}}) ||
              left == (Pairs{{"a", "2"}, {"b", "2"}}) ||
              left == (Pairs{{"a", "3"}, {"b", "2"}}))
      << testing::PrintToString(left);
}

TEST_P(StoreContractTest, WorksOnAfterAPowerCut) {
  for (int round = 0; round < 3; ++round) {
    const std::string key = "k" + std::to_string(round);
    ASSERT_OK(store()->Commit({Puts({{key, "1"}}, Durability::kSync)}));
    ASSERT_OK(store()->Commit({Puts({{"relaxed", key}})}));
    harness()->PowerCut();
    EXPECT_EQ(Got(*store(), key), "1");
  }
  EXPECT_EQ(Scanned(*store(), "k", "l").size(), 3u);
}

TEST_P(StoreContractTest, RecoverOfAStoreThatWorksMakesItDurable) {
  ASSERT_OK(store()->Commit({Puts({{"a", "1"}})}));
  ASSERT_OK(store()->Recover());
  EXPECT_EQ(Scanned(*store()), (Pairs{{"a", "1"}}));
  ASSERT_OK(store()->Commit({Puts({{"b", "1"}})}));
  harness()->PowerCut();
  EXPECT_EQ(Got(*store(), "a"), "1");
}

// Random writes, against a map; restarts and snapshots in between.
TEST_P(StoreContractTest, AgreesWithAMap) {
  base::Rng rng(20260301);
  std::map<std::string, std::string> expected;
  for (int round = 0; round < 300; ++round) {
    std::vector<Transaction> transactions(1 + rng.Below(3));
    for (Transaction& transaction : transactions) {
      for (uint64_t i = rng.Below(6); i > 0; --i) {
        const std::string key = "key" + std::to_string(rng.Below(60));
        if (rng.OneIn(3)) {
          transaction.writes.push_back({key, std::nullopt});
          expected.erase(key);
        } else {
          const std::string value(rng.Below(2000),
                                  static_cast<char>('a' + round % 26));
          transaction.writes.push_back({key, value});
          expected[key] = value;
        }
      }
      if (rng.OneIn(20)) transaction.durability = Durability::kSync;
    }
    ASSERT_OK(store()->Commit(transactions));
    if (rng.OneIn(40)) harness()->Restart();
    if (round % 10 == 0) {
      ASSERT_EQ(Scanned(*store()), Pairs(expected.begin(), expected.end()));
      ASSERT_EQ(Scanned(*store(), {}, {}, 1000, ScanOrder::kDescending),
                Pairs(expected.rbegin(), expected.rend()));
    }
  }
}

}  // namespace
}  // namespace parley::storage
