#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "daemon/storage/rocksdb/rocksdb_store.h"
#include "daemon/storage/rocksdb/test_directory.h"
#include "daemon/storage/testing/status_testing.h"
#include "gtest/gtest.h"

// A disk that is full or fails while the store is open.
namespace parley::storage {
namespace {

using rocksdb::IOStatus;
using Operation = FaultFileSystem::Operation;

Transaction Put(const std::string& key, Durability durability) {
  return {{{key, std::string(100, 'v')}}, durability};
}

class DiskFaultTest : public testing::Test {
 protected:
  DiskFaultTest() { Open(); }

  void Open() {
    auto store = RocksDbStore::Open(directory_.store(), {disk()});
    ASSERT_OK(store);
    store_ = *std::move(store);
  }

  const std::shared_ptr<FaultFileSystem>& disk() {
    return directory_.file_system();
  }
  RocksDbStore* store() { return store_.get(); }

  void PowerCut() {
    disk()->Crash();
    store_.reset();
    disk()->PowerCut();
    Open();
  }

  std::vector<std::string> Keys() {
    std::vector<std::string> keys;
    const auto rows = store_->Scan("", "", 1000, ScanOrder::kAscending);
    EXPECT_OK(rows);
    if (rows.ok()) {
      for (const Row& row : *rows) keys.push_back(row.key);
    }
    return keys;
  }

  // From now on operations on log files fail so.
  void FailLog(std::vector<Operation> operations, const IOStatus& status) {
    disk()->SetHook([operations = std::move(operations), status](
                        Operation operation, const std::string& path) {
      for (const Operation failing : operations) {
        if (operation == failing && absl::EndsWith(path, ".log")) {
          return status;
        }
      }
      return IOStatus::OK();
    });
  }
  // From now on operations of this kind fail so.
  void FailAll(Operation failing, const IOStatus& status) {
    disk()->SetHook([failing, status](Operation operation, const std::string&) {
      return operation == failing ? status : IOStatus::OK();
    });
  }
  // Nothing can be written at all.
  void FillDisk() {
    FailAll(Operation::kAppend, IOStatus::NoSpace("disk full"));
  }
  void Heal() { disk()->SetHook(nullptr); }

  using Names = std::vector<std::string>;

  TestDirectory directory_;
  std::unique_ptr<RocksDbStore> store_;
};

TEST_F(DiskFaultTest, AFullDiskIsSaidAndRecoveredFromWithoutARestart) {
  ASSERT_OK(store()->Commit({Put("a", Durability::kRelaxed)}));
  FillDisk();
  EXPECT_EQ(store()->Commit({Put("b", Durability::kSync)}).code(),
            absl::StatusCode::kResourceExhausted);
  // Reads go on, writes do not.
  EXPECT_EQ(Keys(), (Names{"a"}));
  EXPECT_EQ(store()->Commit({Put("c", Durability::kSync)}).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(store()->Sync().code(), absl::StatusCode::kFailedPrecondition);
  // As often as it is tried, also while a reader holds a snapshot.
  const auto snapshot = store()->NewSnapshot();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(store()->Recover().code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(Keys(), (Names{"a"}));
  }
  Heal();
  ASSERT_OK(store()->Recover());
  const Names kept = Keys();
  ASSERT_OK(store()->Commit({Put("d", Durability::kSync)}));
  ASSERT_OK_AND_ASSIGN(const auto old, snapshot->Get("d"));
  EXPECT_FALSE(old.has_value());
}

TEST_F(DiskFaultTest, WhatReadsShowAfterAFullDiskSurvivesAPowerCut) {
  ASSERT_OK(store()->Commit({Put("a", Durability::kRelaxed)}));
  FillDisk();
  EXPECT_FALSE(store()->Commit({Put("b", Durability::kRelaxed)}).ok());
  Heal();
  ASSERT_OK(store()->Recover());
  const Names shown = Keys();
  PowerCut();
  EXPECT_EQ(Keys(), shown);
  EXPECT_EQ(Keys().front(), "a");
}

// What is refused for want of space must not come back as damage: the numbers
// of the writes that failed are used again, or left out.
TEST_F(DiskFaultTest, AKillRightAfterRecoveryOpens) {
  for (int round = 0; round < 3; ++round) {
    ASSERT_OK(
        store()->Commit({Put(absl::StrCat("kept", round), Durability::kSync)}));
    FillDisk();
    EXPECT_FALSE(store()->Commit({Put("lost", Durability::kSync)}).ok());
    Heal();
    // Old log files stay, as if the process had been killed before it could
    // delete them.
    FailAll(Operation::kDelete, IOStatus::IOError("not now"));
    ASSERT_OK(store()->Recover());
    ASSERT_OK(store()->Commit(
        {Put(absl::StrCat("later", round), Durability::kSync)}));
    store_.reset();
    Heal();
    Open();
    EXPECT_TRUE(store()->recovery_report().empty())
        << store()->recovery_report().text;
    for (int i = 0; i <= round; ++i) {
      for (const char* name : {"kept", "later"}) {
        ASSERT_OK_AND_ASSIGN(const auto value,
                             store()->Get(absl::StrCat(name, i)));
        EXPECT_TRUE(value.has_value()) << name << i;
      }
    }
  }
}

TEST_F(DiskFaultTest, AFailedSyncIsAnUnknownOutcomeUntilRecover) {
  ASSERT_OK(store()->Commit({Put("a", Durability::kRelaxed)}));
  FailLog({Operation::kSync}, IOStatus::IOError("bad sector"));
  EXPECT_EQ(store()->Commit({Put("b", Durability::kSync)}).code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(store()->Commit({Put("c", Durability::kSync)}).code(),
            absl::StatusCode::kFailedPrecondition);
  Heal();
  ASSERT_OK(store()->Recover());
  const Names shown = Keys();
  EXPECT_EQ(shown.front(), "a");
  PowerCut();
  EXPECT_EQ(Keys(), shown);
  ASSERT_OK(store()->Commit({Put("d", Durability::kSync)}));
}

TEST_F(DiskFaultTest, AFailedSyncOfRelaxedWritesIsSaid) {
  ASSERT_OK(store()->Commit({Put("a", Durability::kRelaxed)}));
  FailLog({Operation::kSync}, IOStatus::IOError("bad sector"));
  EXPECT_EQ(store()->Sync().code(), absl::StatusCode::kUnavailable);
  Heal();
  ASSERT_OK(store()->Recover());
  PowerCut();
  EXPECT_EQ(Keys(), (Names{"a"}));
}

// An error that RocksDB does not forgive: the store is opened anew, once no
// reader holds the old one.
TEST_F(DiskFaultTest, AnOldSnapshotKeepsTheStoreFromOpeningAnew) {
  ASSERT_OK(store()->Commit({Put("a", Durability::kSync)}));
  auto snapshot = store()->NewSnapshot();
  FailLog({Operation::kAppend}, IOStatus::IOError("bad sector"));
  EXPECT_EQ(store()->Commit({Put("b", Durability::kSync)}).code(),
            absl::StatusCode::kUnavailable);
  Heal();
  EXPECT_EQ(store()->Recover().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Keys(), (Names{"a"}));
  ASSERT_OK_AND_ASSIGN(const auto value, snapshot->Get("a"));
  EXPECT_TRUE(value.has_value());
  snapshot.reset();
  ASSERT_OK(store()->Recover());
  ASSERT_OK(store()->Commit({Put("c", Durability::kSync)}));
  PowerCut();
  EXPECT_EQ(Keys().back(), "c");
}

TEST_F(DiskFaultTest, ADiskThatStaysBadClosesTheStoreUntilItIsGood) {
  ASSERT_OK(store()->Commit({Put("a", Durability::kSync)}));
  FailAll(Operation::kAppend, IOStatus::IOError("bad sector"));
  EXPECT_FALSE(store()->Commit({Put("b", Durability::kSync)}).ok());
  EXPECT_FALSE(store()->Recover().ok());
  EXPECT_FALSE(store()->Recover().ok());
  EXPECT_EQ(store()->Get("a").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(store()->NewSnapshot()->Get("a").status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(store()->Commit({Put("c", Durability::kSync)}).code(),
            absl::StatusCode::kFailedPrecondition);
  Heal();
  ASSERT_OK(store()->Recover());
  EXPECT_EQ(Keys().front(), "a");
  ASSERT_OK(store()->Commit({Put("c", Durability::kSync)}));
}

TEST_F(DiskFaultTest, AFullDiskAtTheStartIsSaid) {
  ASSERT_OK(store()->Commit({Put("a", Durability::kSync)}));
  store_.reset();
  FillDisk();
  EXPECT_EQ(RocksDbStore::Open(directory_.store(), {disk()}).status().code(),
            absl::StatusCode::kResourceExhausted);
  Heal();
  Open();
  EXPECT_EQ(Keys(), (Names{"a"}));
}

}  // namespace
}  // namespace parley::storage
