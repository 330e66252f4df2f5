#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/storage/rocksdb/rocksdb_store.h"
#include "daemon/storage/rocksdb/test_directory.h"
#include "daemon/storage/testing/status_testing.h"
#include "gtest/gtest.h"

// Power is cut at every write of a script, the first opening included, with
// each kind of torn tail. What is there afterwards is the beginning of the
// script, at least up to the last commit that was promised.
namespace parley::storage {
namespace {

using Tail = FaultFileSystem::Tail;

constexpr int kCommits = 30;

// Commit `i` changes three rows; the third is the one that says how far the
// script came.
Transaction Commit(int i) {
  Transaction transaction;
  transaction.durability =
      i % 3 == 0 ? Durability::kSync : Durability::kRelaxed;
  transaction.writes = {
      {absl::StrCat("row", i), std::string(i % 7 == 0 ? 40000 : 30, 'v')},
      {absl::StrCat("row", i - 2), std::nullopt},
      {"progress", std::to_string(i)}};
  return transaction;
}

struct Progress {
  int promised = 0;  // the last commit that must be there
  int begun = 0;     // the last commit that may be there
};

// Runs the script from commit `first` until it ends or the disk is gone.
void RunScript(const TestDirectory& directory, int first, Progress* progress) {
  const auto store =
      RocksDbStore::Open(directory.store(), {directory.file_system()});
  if (!store.ok()) return;
  for (int i = first; i <= kCommits; ++i) {
    progress->begun = i;
    const Transaction commit = Commit(i);
    if (!(*store)->Commit({commit}).ok()) return;
    if (commit.durability == Durability::kSync) progress->promised = i;
    // Flushes, so that table files and a new log are among what is cut.
    if (i == kCommits / 2) {
      if (!(*store)->Recover().ok()) return;
      progress->promised = i;
    }
  }
}

int CheckAndGetProgress(const StoreReader& reader) {
  const auto value = reader.Get("progress");
  EXPECT_OK(value);
  if (!value.ok() || !value->has_value()) return 0;
  const int last = std::stoi(**value);
  for (int i = 1; i <= kCommits; ++i) {
    const auto row = reader.Get(absl::StrCat("row", i));
    EXPECT_OK(row);
    EXPECT_EQ(row.ok() && row->has_value(), i <= last && i > last - 2)
        << "row " << i << " after commit " << last;
  }
  return last;
}

class PowerLossTest : public testing::TestWithParam<Tail> {};

TEST_P(PowerLossTest, AtEachWriteOfAScript) {
  uint64_t points = 0;
  for (uint64_t point = 1;; ++point) {
    SCOPED_TRACE(absl::StrCat("write point ", point));
    const TestDirectory directory;
    Progress progress;
    directory.file_system()->CrashAt(point);
    RunScript(directory, 1, &progress);
    const bool crashed = directory.file_system()->crashed();
    directory.file_system()->PowerCut(GetParam());
    ASSERT_OK_AND_ASSIGN(
        const auto store,
        RocksDbStore::Open(directory.store(), {directory.file_system()}));
    const int kept = CheckAndGetProgress(*store);
    ASSERT_GE(kept, progress.promised);
    ASSERT_LE(kept, progress.begun);
    if (testing::Test::HasFailure()) return;
    points = point;
    if (!crashed) break;
  }
  // It was the script that was cut, not only its beginning.
  EXPECT_GT(points, uint64_t{2 * kCommits});
}

// Opening after a power cut is cut as well, again and again.
TEST_P(PowerLossTest, AtEachWriteOfARecovery) {
  for (uint64_t point = 1;; ++point) {
    SCOPED_TRACE(absl::StrCat("write point ", point));
    const TestDirectory directory;
    const auto& disk = directory.file_system();
    Progress progress;
    RunScript(directory, 1, &progress);
    disk->Crash();
    disk->PowerCut(GetParam());
    disk->CrashAt(disk->write_points() + point);
    Progress second;
    RunScript(directory, kCommits + 1, &second);
    const bool crashed = disk->crashed();
    disk->PowerCut(GetParam());
    ASSERT_OK_AND_ASSIGN(const auto store,
                         RocksDbStore::Open(directory.store(), {disk}));
    const int kept = CheckAndGetProgress(*store);
    ASSERT_GE(kept, progress.promised);
    if (testing::Test::HasFailure() || !crashed) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Tails, PowerLossTest,
                         testing::Values(Tail::kDrop, Tail::kTear,
                                         Tail::kScramble));

}  // namespace
}  // namespace parley::storage
