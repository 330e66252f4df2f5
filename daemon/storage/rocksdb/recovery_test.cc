#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "daemon/storage/rocksdb/rocksdb_store.h"
#include "daemon/storage/rocksdb/store_files.h"
#include "daemon/storage/rocksdb/test_directory.h"
#include "daemon/storage/testing/status_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

// What is done to a store on the disk while nobody has it open, and what
// opening it comes to.
namespace parley::storage {
namespace {

using testing::HasSubstr;

class RecoveryTest : public testing::Test {
 protected:
  const std::string directory() const { return directory_.store(); }

  // Commits number `i`, which can be told from all others by its size too.
  static Transaction Numbered(int i, Durability durability) {
    return {{{absl::StrCat("key", 1000 + i), std::string(50 + i, 'v')}},
            durability};
  }

  // A store with the commits first..last in its log.
  void Write(int first, int last, Durability durability) {
    auto store = RocksDbStore::Open(directory(), {});
    ASSERT_OK(store);
    for (int i = first; i <= last; ++i) {
      ASSERT_OK((*store)->Commit({Numbered(i, durability)}));
    }
  }

  absl::StatusOr<std::unique_ptr<RocksDbStore>> Open() {
    return RocksDbStore::Open(directory(), {});
  }

  // How many commits are there. Fails unless it is the first ones.
  static int Prefix(const StoreReader& reader) {
    const auto rows = reader.Scan("key", "kez", 10000, ScanOrder::kAscending);
    EXPECT_OK(rows);
    if (!rows.ok()) return -1;
    for (size_t i = 0; i < rows->size(); ++i) {
      EXPECT_EQ((*rows)[i].key, absl::StrCat("key", 1001 + i)) << "a hole";
    }
    return static_cast<int>(rows->size());
  }

  void ChangeLog(const std::function<void(std::string*)>& change) {
    std::string log = ReadFile(LastLog(directory()));
    change(&log);
    WriteFile(LastLog(directory()), log);
  }

  void ExpectRefusedUntouched() {
    const auto before = AllFiles(directory());
    const absl::Status status = Open().status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(directory()));
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("Nothing was deleted"));
    EXPECT_THAT(std::string(status.message()), HasSubstr("To recover"));
    EXPECT_EQ(AllFiles(directory()), before);
  }

  const TestDirectory directory_;
};

TEST_F(RecoveryTest, AKilledStoreOpensWithEverything) {
  Write(1, 20, Durability::kRelaxed);
  ASSERT_OK_AND_ASSIGN(const auto store, Open());
  EXPECT_TRUE(store->recovery_report().empty());
  EXPECT_EQ(Prefix(*store), 20);
}

TEST_F(RecoveryTest, ACutTailOpens) {
  Write(1, 20, Durability::kSync);
  ChangeLog([](std::string* log) { log->resize(log->size() - 10); });
  ASSERT_OK_AND_ASSIGN(const auto store, Open());
  EXPECT_TRUE(store->recovery_report().empty());
  EXPECT_EQ(Prefix(*store), 19);
}

TEST_F(RecoveryTest, AGarbageTailOpensAndIsReported) {
  Write(1, 20, Durability::kSync);
  ChangeLog([](std::string* log) {
    for (int i = 0; i < 64; ++i) log->push_back(static_cast<char>(i * 37 + 5));
  });
  const std::string damaged_name =
      std::filesystem::path(LastLog(directory())).filename();
  const std::string damaged = ReadFile(LastLog(directory()));
  {
    ASSERT_OK_AND_ASSIGN(const auto store, Open());
    EXPECT_EQ(Prefix(*store), 20);
    const RecoveryReport& report = store->recovery_report();
    EXPECT_THAT(report.text, HasSubstr(damaged_name));
    EXPECT_THAT(report.text, HasSubstr(report.copies));
    EXPECT_EQ(report.copies, directory() + "/recovered-1");
    EXPECT_EQ(ReadFile(report.copies + "/" + damaged_name), damaged);
  }
  // Once is enough, and nothing deletes the copy.
  ASSERT_OK_AND_ASSIGN(const auto store, Open());
  EXPECT_TRUE(store->recovery_report().empty());
  EXPECT_EQ(Prefix(*store), 20);
  EXPECT_EQ(ReadFile(directory() + "/recovered-1/" + damaged_name), damaged);
}

TEST_F(RecoveryTest, EachRecoveryHasItsOwnFolder) {
  for (const std::string folder : {"/recovered-1", "/recovered-2"}) {
    Write(1, 5, Durability::kSync);
    ChangeLog([](std::string* log) { log->append("not a record at all"); });
    ASSERT_OK_AND_ASSIGN(const auto store, Open());
    EXPECT_EQ(store->recovery_report().copies, directory() + folder);
  }
}

TEST_F(RecoveryTest, AFlipInTheMiddleIsRefused) {
  Write(1, 20, Durability::kSync);
  ChangeLog([](std::string* log) { (*log)[log->size() / 2] ^= 0x10; });
  ExpectRefusedUntouched();
  const std::string message(Open().status().message());
  EXPECT_THAT(message, HasSubstr(".log at byte "));
  EXPECT_THAT(message, HasSubstr("written safely"));
}

TEST_F(RecoveryTest, AFlipInTheFirstRecordIsRefused) {
  Write(1, 20, Durability::kSync);
  ChangeLog([](std::string* log) { (*log)[20] ^= 0x10; });
  ExpectRefusedUntouched();
}

// Nothing behind it says that it was synced: it looks like a torn write.
TEST_F(RecoveryTest, AFlipInTheLastRecordIsReported) {
  Write(1, 20, Durability::kSync);
  ChangeLog([](std::string* log) { (*log)[log->size() - 5] ^= 0x10; });
  ASSERT_OK_AND_ASSIGN(const auto store, Open());
  EXPECT_FALSE(store->recovery_report().empty());
  EXPECT_EQ(Prefix(*store), 19);
}

TEST_F(RecoveryTest, ZerosInTheMiddleOfSyncedWritesAreRefused) {
  Write(1, 300, Durability::kSync);
  ChangeLog([](std::string* log) {
    ASSERT_GT(log->size(), 3 * 4096u);
    log->replace(4096, 4096, std::string(4096, '\0'));
  });
  ExpectRefusedUntouched();
}

// A power cut may keep a later page of what was not synced and lose an earlier
// one. The later one must not be applied, and it is no reason to refuse.
TEST_F(RecoveryTest, AMissingPageOfUnsyncedWritesOpensUpToIt) {
  {
    ASSERT_OK_AND_ASSIGN(const auto store, Open());
    for (int i = 1; i <= 300; ++i) {
      ASSERT_OK(store->Commit(
          {Numbered(i, i == 20 ? Durability::kSync : Durability::kRelaxed)}));
    }
  }
  ChangeLog([](std::string* log) {
    ASSERT_GT(log->size(), 4 * 4096u);
    log->replace(2 * 4096, 4096, std::string(4096, '\0'));
  });
  ASSERT_OK_AND_ASSIGN(const auto store, Open());
  EXPECT_FALSE(store->recovery_report().empty());
  const int kept = Prefix(*store);
  EXPECT_GE(kept, 20);
  EXPECT_LT(kept, 200);
}

TEST_F(RecoveryTest, SyncMarksWrittenBySyncCount) {
  {
    ASSERT_OK_AND_ASSIGN(const auto store, Open());
    for (int i = 1; i <= 20; ++i) {
      ASSERT_OK(store->Commit({Numbered(i, Durability::kRelaxed)}));
    }
    ASSERT_OK(store->Sync());
    ASSERT_OK(store->Commit({Numbered(21, Durability::kRelaxed)}));
  }
  ChangeLog([](std::string* log) { (*log)[log->size() / 2] ^= 0x10; });
  ExpectRefusedUntouched();
}

// Every place, every outcome: what opens is a prefix that has all that is known
// to have been synced; what does not was not touched.
TEST_F(RecoveryTest, AFlipAnywhereOpensAPrefixOrIsRefused) {
  constexpr int kCommits = 12;
  Write(1, kCommits, Durability::kSync);
  const std::string log_path = LastLog(directory());
  const std::string log = ReadFile(log_path);
  const auto files = AllFiles(directory());
  int refused = 0;
  int opened = 0;
  for (size_t i = 0; i < log.size(); i += 11) {
    SCOPED_TRACE(absl::StrCat("byte ", i));
    std::string damaged = log;
    damaged[i] = static_cast<char>(damaged[i] ^ (1 << (i % 8)));
    WriteFile(log_path, damaged);
    {
      const auto store = Open();
      if (store.ok()) {
        ++opened;
        ASSERT_EQ(Prefix(**store), kCommits - 1);
      } else {
        ++refused;
        ASSERT_EQ(store.status().code(), absl::StatusCode::kDataLoss);
        ASSERT_EQ(ReadFile(log_path), damaged);
        continue;
      }
    }
    std::filesystem::remove_all(directory());
    std::filesystem::create_directory(directory());
    for (const auto& [path, contents] : files) WriteFile(path, contents);
  }
  // Only the last record of the twelve can go.
  EXPECT_GT(refused, 8 * opened);
  EXPECT_GT(opened, 0);
}

// --- Other files -------------------------------------------------------------

TEST_F(RecoveryTest, ADamagedManifestIsRefused) {
  Write(1, 20, Durability::kSync);
  const auto manifests = FilesLike(directory(), "MANIFEST-", "");
  ASSERT_EQ(manifests.size(), 1u);
  const std::string path = directory() + "/" + manifests[0];
  std::string contents = ReadFile(path);
  contents[contents.size() / 2] ^= 0x10;
  WriteFile(path, contents);
  ExpectRefusedUntouched();
}

TEST_F(RecoveryTest, AMissingManifestIsRefused) {
  Write(1, 20, Durability::kSync);
  const auto manifests = FilesLike(directory(), "MANIFEST-", "");
  ASSERT_EQ(manifests.size(), 1u);
  std::filesystem::remove(directory() + "/" + manifests[0]);
  ExpectRefusedUntouched();
}

TEST_F(RecoveryTest, ADamagedCurrentIsRefused) {
  Write(1, 20, Durability::kSync);
  WriteFile(directory() + "/CURRENT", "MANIFEST-9");
  ExpectRefusedUntouched();
}

// RocksDB alone would clear the directory.
TEST_F(RecoveryTest, AMissingCurrentIsRefused) {
  Write(1, 20, Durability::kSync);
  std::filesystem::remove(directory() + "/CURRENT");
  ExpectRefusedUntouched();
}

TEST_F(RecoveryTest, AMissingTableIsRefused) {
  Write(1, 20, Durability::kSync);
  Write(21, 21, Durability::kSync);  // opening has flushed the first ones
  const auto tables = FilesLike(directory(), "0", ".sst");
  ASSERT_FALSE(tables.empty());
  std::filesystem::remove(directory() + "/" + tables[0]);
  ExpectRefusedUntouched();
}

TEST_F(RecoveryTest, ADamagedTableIsDataLossWhenItIsRead) {
  Write(1, 20, Durability::kSync);
  Write(21, 21, Durability::kSync);
  const auto tables = FilesLike(directory(), "0", ".sst");
  ASSERT_FALSE(tables.empty());
  std::string contents = ReadFile(directory() + "/" + tables[0]);
  contents[100] ^= 0x10;
  WriteFile(directory() + "/" + tables[0], contents);
  const auto store = Open();
  ASSERT_OK(store);
  EXPECT_EQ((*store)->Get("key1001").status().code(),
            absl::StatusCode::kDataLoss);
  EXPECT_EQ(
      (*store)->Scan("key", "", 100, ScanOrder::kAscending).status().code(),
      absl::StatusCode::kDataLoss);
}

// --- The directory -----------------------------------------------------------

TEST_F(RecoveryTest, ADirectoryThatIsAFileIsAnError) {
  WriteFile(directory(), "not a directory");
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(RecoveryTest, AMissingParentIsAnError) {
  const auto store = RocksDbStore::Open(directory() + "/no/such", {});
  EXPECT_EQ(store.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(store.status().message()), HasSubstr("/no/such"));
}

TEST_F(RecoveryTest, TwiceInOneProcessIsRefused) {
  ASSERT_OK_AND_ASSIGN(auto store, Open());
  const absl::Status second = Open().status();
  EXPECT_EQ(second.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.message()),
              HasSubstr(absl::StrCat("process ", getpid())));
  // The first one is not harmed.
  ASSERT_OK(store->Commit({Numbered(1, Durability::kSync)}));
  store.reset();
  ASSERT_OK(Open());
}

TEST_F(RecoveryTest, RocksDbsOwnLogStaysSmallAndHasNoContent) {
  for (int i = 0; i < 6; ++i) {
    ASSERT_OK_AND_ASSIGN(const auto store, Open());
    ASSERT_OK(
        store->Commit({{{{"canary-key", "canary-value"}}, Durability::kSync}}));
    ASSERT_OK(store->Recover());  // flushes
  }
  const auto logs = FilesLike(directory(), "LOG", "");
  EXPECT_LE(logs.size(), 2u);
  for (const std::string& log : logs) {
    EXPECT_EQ(ReadFile(directory() + "/" + log).find("canary"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace parley::storage
