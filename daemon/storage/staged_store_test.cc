#include "daemon/storage/staged_store.h"

#include <string>
#include <utility>
#include <vector>

#include "daemon/base/rng.h"
#include "daemon/storage/memory_store.h"
#include "daemon/storage/testing/status_testing.h"
#include "gtest/gtest.h"

namespace parley::storage {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs Scanned(const StoreReader& reader, absl::string_view begin,
              absl::string_view end, size_t limit, ScanOrder order) {
  Pairs pairs;
  const auto rows = reader.Scan(begin, end, limit, order);
  EXPECT_OK(rows);
  if (rows.ok()) {
    for (const Row& row : *rows) pairs.emplace_back(row.key, row.value);
  }
  return pairs;
}

std::string Got(const StoreReader& reader, absl::string_view key) {
  const auto value = reader.Get(key);
  EXPECT_OK(value);
  return value.ok() ? value->value_or("none") : "error";
}

TEST(StagedStoreTest, ReadsItsOwnWritesAtOnce) {
  MemoryStore base;
  ASSERT_OK(base.Commit({{{{"a", "1"}, {"b", "1"}}, Durability::kRelaxed}}));
  StagedStore staged(&base);
  staged.Put("a", "2");
  staged.Delete("b");
  staged.Put("c", "2");
  EXPECT_EQ(Got(staged, "a"), "2");
  EXPECT_EQ(Got(staged, "b"), "none");
  EXPECT_EQ(Scanned(staged, "", "", 9, ScanOrder::kAscending),
            (Pairs{{"a", "2"}, {"c", "2"}}));
  EXPECT_EQ(Got(base, "a"), "1");
}

TEST(StagedStoreTest, ATransactionHasTheLastWriteOfEachKey) {
  MemoryStore base;
  StagedStore staged(&base);
  staged.Put("a", "1");
  staged.Put("b", "1");
  staged.Put("a", "2");
  staged.Delete("b");
  const Transaction transaction = staged.TakeTransaction();
  ASSERT_EQ(transaction.writes.size(), 2u);
  EXPECT_EQ(transaction.writes[0].key, "a");
  EXPECT_EQ(transaction.writes[0].value, "2");
  EXPECT_EQ(transaction.writes[1].key, "b");
  EXPECT_EQ(transaction.writes[1].value, std::nullopt);
  EXPECT_EQ(transaction.durability, Durability::kRelaxed);
}

TEST(StagedStoreTest, OnlyTransactionsWithWritesAreNumbered) {
  MemoryStore base;
  StagedStore staged(&base);
  EXPECT_TRUE(staged.TakeTransaction().empty());
  EXPECT_EQ(staged.last_taken(), 0u);
  staged.Put("a", "1");
  EXPECT_FALSE(staged.TakeTransaction().empty());
  EXPECT_EQ(staged.last_taken(), 1u);
  EXPECT_TRUE(staged.TakeTransaction().empty());
  EXPECT_EQ(staged.last_taken(), 1u);
}

TEST(StagedStoreTest, RequireSyncHoldsForOneTransaction) {
  MemoryStore base;
  StagedStore staged(&base);
  staged.RequireSync();
  staged.Put("a", "1");
  EXPECT_EQ(staged.TakeTransaction().durability, Durability::kSync);
  staged.Put("a", "2");
  EXPECT_EQ(staged.TakeTransaction().durability, Durability::kRelaxed);
}

TEST(StagedStoreTest, ForgetsWhatTheBaseShows) {
  MemoryStore base;
  StagedStore staged(&base);
  staged.Put("a", "1");
  staged.Put("b", "1");
  const Transaction first = staged.TakeTransaction();
  staged.Put("b", "2");
  const Transaction second = staged.TakeTransaction();
  EXPECT_EQ(staged.overlay_keys(), 2u);
  ASSERT_OK(base.Commit({first}));
  staged.OnCommitted(1);
  // "b" has a later write on its way.
  EXPECT_EQ(staged.overlay_keys(), 1u);
  EXPECT_EQ(Got(staged, "b"), "2");
  ASSERT_OK(base.Commit({second}));
  staged.OnCommitted(2);
  EXPECT_EQ(staged.overlay_keys(), 0u);
  EXPECT_EQ(Got(staged, "b"), "2");
}

TEST(StagedStoreTest, TheCurrentTransactionIsNotForgotten) {
  MemoryStore base;
  StagedStore staged(&base);
  staged.Put("a", "1");
  const Transaction first = staged.TakeTransaction();
  staged.Put("a", "2");
  ASSERT_OK(base.Commit({first}));
  staged.OnCommitted(1);
  EXPECT_EQ(Got(staged, "a"), "2");
  EXPECT_EQ(staged.TakeTransaction().writes.size(), 1u);
}

TEST(StagedStoreTest, ABaseThatShowsACommitEarlyDoesNoHarm) {
  MemoryStore base;
  StagedStore staged(&base);
  staged.Put("a", "1");
  ASSERT_OK(base.Commit({staged.TakeTransaction()}));
  staged.Delete("a");
  EXPECT_EQ(Got(staged, "a"), "none");
  EXPECT_EQ(Scanned(staged, "", "", 9, ScanOrder::kAscending), Pairs());
}

TEST(StagedStoreTest, ADeletedRowDoesNotCountAgainstALimit) {
  MemoryStore base;
  Transaction rows;
  for (int i = 100; i < 300; ++i) {
    rows.writes.push_back({std::to_string(i), std::string("v")});
  }
  ASSERT_OK(base.Commit({rows}));
  StagedStore staged(&base);
  for (int i = 100; i < 298; ++i) staged.Delete(std::to_string(i));
  EXPECT_EQ(Scanned(staged, "", "", 2, ScanOrder::kAscending),
            (Pairs{{"298", "v"}, {"299", "v"}}));
  for (int i = 299; i > 200; --i) staged.Delete(std::to_string(i));
  staged.Put("105", "w");
  EXPECT_EQ(Scanned(staged, "", "", 1, ScanOrder::kDescending),
            (Pairs{{"105", "w"}}));
}

// What a failed read of the base is to its reader.
class BrokenReader : public StoreReader {
 public:
  absl::StatusOr<std::optional<std::string>> Get(
      absl::string_view) const override {
    return absl::DataLossError("broken");
  }
  absl::StatusOr<std::vector<Row>> Scan(absl::string_view, absl::string_view,
                                        size_t, ScanOrder) const override {
    return absl::DataLossError("broken");
  }
};

TEST(StagedStoreTest, PassesErrorsOn) {
  BrokenReader base;
  StagedStore staged(&base);
  staged.Put("a", "1");
  EXPECT_EQ(Got(staged, "a"), "1");
  EXPECT_EQ(staged.Get("b").status(), absl::DataLossError("broken"));
  EXPECT_EQ(staged.Scan("", "", 9, ScanOrder::kAscending).status(),
            absl::DataLossError("broken"));
}

// Any writes, any commits, any scan: as if all writes were in one map.
TEST(StagedStoreTest, AgreesWithAMap) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    base::Rng rng(seed);
    MemoryStore base;
    StagedStore staged(&base);
    std::map<std::string, std::string> expected;
    std::vector<Transaction> on_its_way;
    uint64_t committed = 0;
    const auto random_key = [&rng] {
      return "k" + std::to_string(10 + rng.Below(90));
    };
    for (int step = 0; step < 200; ++step) {
      const std::string key = random_key();
      if (rng.OneIn(3)) {
        staged.Delete(key);
        expected.erase(key);
      } else {
        const std::string value = std::to_string(step);
        staged.Put(key, value);
        expected[key] = value;
      }
      if (rng.OneIn(4)) {
        Transaction transaction = staged.TakeTransaction();
        if (!transaction.empty()) on_its_way.push_back(std::move(transaction));
      }
      if (!on_its_way.empty() && rng.OneIn(6)) {
        ASSERT_OK(base.Commit({on_its_way.front()}));
        on_its_way.erase(on_its_way.begin());
        if (rng.OneIn(2)) continue;
        committed = staged.last_taken() - on_its_way.size();
        staged.OnCommitted(committed);
      }
      ASSERT_EQ(Got(staged, key),
                expected.count(key) > 0 ? expected[key] : "none");
      const std::string begin = rng.OneIn(4) ? "" : random_key();
      const std::string end = rng.OneIn(4) ? "" : random_key();
      const size_t limit = rng.OneIn(3) ? 1000 : rng.Below(8);
      Pairs up;
      for (const auto& [k, v] : expected) {
        if (k >= begin && (end.empty() || k < end)) up.emplace_back(k, v);
      }
      Pairs down(up.rbegin(), up.rend());
      up.resize(std::min(up.size(), limit));
      down.resize(std::min(down.size(), limit));
      ASSERT_EQ(Scanned(staged, begin, end, limit, ScanOrder::kAscending), up);
      ASSERT_EQ(Scanned(staged, begin, end, limit, ScanOrder::kDescending),
                down);
    }
  }
}

}  // namespace
}  // namespace parley::storage
