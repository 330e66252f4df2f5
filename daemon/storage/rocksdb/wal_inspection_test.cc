#include "daemon/storage/rocksdb/wal_inspection.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/storage/crc32c.h"
#include "daemon/storage/rocksdb/store_files.h"
#include "daemon/storage/rocksdb/sync_mark.h"
#include "daemon/storage/rocksdb/test_directory.h"
#include "daemon/storage/testing/status_testing.h"
#include "gtest/gtest.h"

// Logs made by hand. That they are what RocksDB writes is shown by
// recovery_test, which reads real ones.
namespace parley::storage {
namespace {

using Verdict = WalInspection::Verdict;

void AppendNumber(uint64_t number, int bytes, std::string* out) {
  for (int i = 0; i < bytes; ++i) {
    out->push_back(static_cast<char>(number >> (8 * i)));
  }
}

// Writes batches as RocksDB frames them.
class LogWriter {
 public:
  // A batch of `count` writes from `sequence` on; with a mark, unless `synced`
  // is nothing.
  LogWriter& Batch(uint64_t sequence, uint32_t count,
                   std::optional<uint64_t> synced, size_t bytes = 40) {
    std::string payload;
    AppendNumber(sequence, 8, &payload);
    AppendNumber(count, 4, &payload);
    if (synced.has_value()) {
      payload.push_back(3);
      payload.push_back(static_cast<char>(kSyncMarkBytes));
      payload.append(MakeSyncMark(*synced));
    }
    payload.resize(std::max(payload.size(), bytes), 'x');
    starts_.push_back(log_.size());
    Frame(payload);
    return *this;
  }

  const std::string& log() const { return log_; }
  // Where batch `i`, counted from 0, starts.
  size_t start(size_t i) const { return starts_[i]; }

 private:
  static constexpr size_t kBlock = 32 * 1024;
  static constexpr size_t kHeader = 7;

  void Frame(std::string payload) {
    bool first = true;
    do {
      size_t left = kBlock - log_.size() % kBlock;
      if (left < kHeader) {
        log_.append(left, '\0');
        left = kBlock;
      }
      const size_t length = std::min(payload.size(), left - kHeader);
      const bool last = length == payload.size();
      AppendRecord(first ? (last ? '\1' : '\2') : (last ? '\4' : '\3'),
                   payload.substr(0, length));
      payload.erase(0, length);
      first = false;
      if (last) return;
    } while (true);
  }

  void AppendRecord(char type, const std::string& payload) {
    const uint32_t crc = Crc32c(type + payload);
    AppendNumber(((crc >> 15) | (crc << 17)) + 0xa282ead8u, 4, &log_);
    AppendNumber(payload.size(), 2, &log_);
    log_.push_back(type);
    log_.append(payload);
  }

  std::string log_;
  std::vector<size_t> starts_;
};

class WalInspectionTest : public testing::Test {
 protected:
  WalInspectionTest() { std::filesystem::create_directory(directory()); }

  std::string directory() const { return directory_.store(); }

  WalInspection Inspect(const std::vector<std::string>& logs) {
    for (size_t i = 0; i < logs.size(); ++i) {
      WriteFile(directory() + "/" + NameOf(i), logs[i]);
    }
    const auto inspection =
        InspectWals(directory_.file_system().get(), directory());
    EXPECT_OK(inspection);
    return inspection.value_or(WalInspection());
  }

  // The numbers of log files grow in length, too.
  static std::string NameOf(size_t i) {
    return absl::StrCat(i == 0 ? "000009" : absl::StrCat("00001", i), ".log");
  }

  const TestDirectory directory_;
};

TEST_F(WalInspectionTest, NoLogAndEmptyLogsAreIntact) {
  EXPECT_EQ(Inspect({}).verdict, Verdict::kIntact);
  EXPECT_EQ(Inspect({"", ""}).verdict, Verdict::kIntact);
  std::filesystem::remove_all(directory());
  const auto gone = InspectWals(directory_.file_system().get(), directory());
  ASSERT_OK(gone);
  EXPECT_EQ(gone->verdict, Verdict::kIntact);
}

TEST_F(WalInspectionTest, BatchesOfAnySizeAreRead) {
  LogWriter writer;
  uint64_t sequence = 1;
  // Around the ends of blocks, where headers do not fit.
  for (size_t bytes = 32 * 1024 - 40; bytes < 32 * 1024 + 20; ++bytes) {
    writer.Batch(sequence, 1, sequence - 1, bytes);
    ++sequence;
  }
  writer.Batch(sequence, 1, sequence - 1, 200000);
  EXPECT_EQ(Inspect({writer.log()}).verdict, Verdict::kIntact);
}

TEST_F(WalInspectionTest, ALogThatIsCutAnywhereIsIntact) {
  LogWriter writer;
  for (int i = 1; i <= 5; ++i) writer.Batch(i, 1, i - 1);
  writer.Batch(6, 1, 5, 70000);
  const std::string& log = writer.log();
  for (size_t size = 0; size <= log.size(); size += size < 500 ? 1 : 997) {
    ASSERT_EQ(Inspect({log.substr(0, size)}).verdict, Verdict::kIntact)
        << "cut to " << size;
  }
}

TEST_F(WalInspectionTest, ZerosAtTheEndAreACut) {
  LogWriter writer;
  writer.Batch(1, 1, 0).Batch(2, 1, 1);
  EXPECT_EQ(Inspect({writer.log() + std::string(5000, '\0')}).verdict,
            Verdict::kIntact);
}

TEST_F(WalInspectionTest, GarbageAtTheEndIsAnUnsyncedTail) {
  LogWriter writer;
  writer.Batch(1, 1, 0).Batch(2, 1, 1);
  const WalInspection inspection =
      Inspect({writer.log() + std::string(64, '\x5a')});
  EXPECT_EQ(inspection.verdict, Verdict::kUnsyncedTail);
  EXPECT_EQ(inspection.file, NameOf(0));
  EXPECT_EQ(inspection.offset, writer.log().size());
  EXPECT_EQ(inspection.file_bytes, writer.log().size() + 64);
  EXPECT_TRUE(inspection.later_files.empty());
}

// Flips each byte of batch `bad` of five, in turn.
TEST_F(WalInspectionTest, WhatWasSyncedDecides) {
  for (const bool synced : {false, true}) {
    for (size_t bad = 0; bad < 5; ++bad) {
      LogWriter writer;
      for (int i = 1; i <= 5; ++i) writer.Batch(i, 1, synced ? i - 1 : 0);
      const size_t end = bad < 4 ? writer.start(bad + 1) : writer.log().size();
      for (size_t byte = writer.start(bad); byte < end; ++byte) {
        std::string log = writer.log();
        log[byte] ^= 0x41;
        const WalInspection inspection = Inspect({log});
        // A length that points past the end of the file cuts the last batch.
        if (inspection.verdict == Verdict::kIntact && bad == 4) continue;
        ASSERT_EQ(inspection.verdict, synced && bad < 4
                                          ? Verdict::kDamaged
                                          : Verdict::kUnsyncedTail)
            << "byte " << byte << " of batch " << bad;
        ASSERT_EQ(inspection.offset, writer.start(bad));
      }
    }
  }
}

// The mark counts from the bad batch on, not from the one before.
TEST_F(WalInspectionTest, AMarkThatEndsBeforeTheBadSpotProvesNothing) {
  for (const uint64_t synced : {2, 3}) {
    LogWriter writer;
    writer.Batch(1, 2, 0).Batch(3, 1, 2).Batch(4, 1, synced);
    std::string log = writer.log();
    log[writer.start(1) + 10] ^= 1;
    EXPECT_EQ(Inspect({log}).verdict,
              synced == 2 ? Verdict::kUnsyncedTail : Verdict::kDamaged);
  }
}

// A later batch may say what the first one behind the bad spot did not know.
TEST_F(WalInspectionTest, AnyLaterMarkProvesDamage) {
  LogWriter first;
  first.Batch(1, 1, 0).Batch(2, 1, 0).Batch(3, 1, 0);
  LogWriter second;
  second.Batch(4, 1, 0).Batch(5, 1, 4);
  std::string log = first.log();
  log[first.start(1) + 10] ^= 1;
  EXPECT_EQ(Inspect({log}).verdict, Verdict::kUnsyncedTail);
  EXPECT_EQ(Inspect({log, second.log()}).verdict, Verdict::kDamaged);
}

TEST_F(WalInspectionTest, ABatchWithoutAMarkBehindABadSpotIsTakenForDamage) {
  LogWriter writer;
  writer.Batch(1, 1, 0).Batch(2, 1, 0).Batch(3, 1, std::nullopt);
  std::string log = writer.log();
  log[writer.start(1) + 10] ^= 1;
  EXPECT_EQ(Inspect({log}).verdict, Verdict::kDamaged);
}

TEST_F(WalInspectionTest, AMissingPartOfALargeBatchIsABadSpot) {
  LogWriter writer;
  writer.Batch(1, 1, 0).Batch(2, 1, 1, 100000).Batch(3, 1, 2);
  std::string log = writer.log();
  log.replace(40000, 4096, std::string(4096, '\0'));
  const WalInspection inspection = Inspect({log});
  EXPECT_EQ(inspection.verdict, Verdict::kDamaged);
  EXPECT_EQ(inspection.offset, writer.start(1));
}

// --- Several files -----------------------------------------------------------

TEST_F(WalInspectionTest, ACutIsNoLossWhenTheNextFileGoesOn) {
  LogWriter first;
  first.Batch(1, 1, 0).Batch(2, 1, 1);
  LogWriter second;
  second.Batch(2, 1, 1).Batch(3, 1, 2);
  const std::string cut = first.log().substr(0, first.log().size() - 5);
  EXPECT_EQ(Inspect({cut, second.log()}).verdict, Verdict::kIntact);
}

TEST_F(WalInspectionTest, GarbageIsNoLossWhenTheNextFileGoesOn) {
  LogWriter first;
  first.Batch(1, 1, 0);
  LogWriter second;
  second.Batch(2, 1, 1).Batch(3, 1, 2);
  EXPECT_EQ(Inspect({first.log() + "garbage!", second.log()}).verdict,
            Verdict::kIntact);
}

TEST_F(WalInspectionTest, ACutWithMoreBehindItIsATailOrDamage) {
  for (const bool synced : {false, true}) {
    LogWriter first;
    first.Batch(1, 1, 0).Batch(2, 1, 0);
    LogWriter second;
    second.Batch(3, 1, synced ? 2 : 0);
    LogWriter third;
    third.Batch(4, 1, synced ? 3 : 0);
    const std::string cut = first.log().substr(0, first.log().size() - 5);
    const WalInspection inspection = Inspect({cut, second.log(), third.log()});
    EXPECT_EQ(inspection.verdict,
              synced ? Verdict::kDamaged : Verdict::kUnsyncedTail);
    EXPECT_EQ(inspection.file, NameOf(0));
    EXPECT_EQ(inspection.offset, first.start(1));
    EXPECT_EQ(inspection.later_files,
              (std::vector<std::string>{NameOf(1), NameOf(2)}));
  }
}

TEST_F(WalInspectionTest, AGapBetweenFilesIsABadSpot) {
  LogWriter first;
  first.Batch(1, 1, 0);
  LogWriter second;
  second.Batch(5, 1, 0);
  const WalInspection inspection = Inspect({first.log(), second.log()});
  EXPECT_EQ(inspection.verdict, Verdict::kUnsyncedTail);
  EXPECT_EQ(inspection.file, NameOf(1));
  EXPECT_EQ(inspection.offset, 0u);
}

// An old log that was not deleted yet has writes that failed, whose numbers
// were given again.
TEST_F(WalInspectionTest, NumbersMayBeGivenAgain) {
  LogWriter first;
  first.Batch(1, 1, 0).Batch(2, 3, 1);
  LogWriter second;
  second.Batch(2, 1, 1).Batch(3, 1, 2);
  EXPECT_EQ(Inspect({first.log(), second.log()}).verdict, Verdict::kIntact);
}

// --- Cutting -----------------------------------------------------------------

TEST_F(WalInspectionTest, CuttingCopiesFirstAndLeavesAnIntactLog) {
  LogWriter first;
  first.Batch(1, 1, 0).Batch(2, 1, 0).Batch(3, 1, 0);
  LogWriter second;
  second.Batch(4, 1, 0);
  std::string log = first.log();
  log[first.start(1) + 10] ^= 1;
  const WalInspection inspection = Inspect({log, second.log()});
  ASSERT_EQ(inspection.verdict, Verdict::kUnsyncedTail);
  ASSERT_OK_AND_ASSIGN(
      const std::string copies,
      CutUnsyncedTail(directory_.file_system().get(), directory(), inspection));
  EXPECT_EQ(copies, directory() + "/recovered-1");
  EXPECT_EQ(ReadFile(copies + "/" + NameOf(0)), log);
  EXPECT_EQ(ReadFile(copies + "/" + NameOf(1)), second.log());
  EXPECT_EQ(ReadFile(directory() + "/" + NameOf(0)),
            first.log().substr(0, first.start(1)));
  EXPECT_FALSE(std::filesystem::exists(directory() + "/" + NameOf(1)));
  EXPECT_EQ(Inspect({}).verdict, Verdict::kIntact);
}

// A crash at each write of it: done again, it comes to the same.
TEST_F(WalInspectionTest, CuttingMayBeCutShort) {
  LogWriter first;
  first.Batch(1, 1, 0).Batch(2, 1, 0).Batch(3, 1, 0);
  LogWriter second;
  second.Batch(4, 1, 0);
  std::string log = first.log();
  log[first.start(1) + 10] ^= 1;
  const auto& disk = directory_.file_system();
  int crashes = 0;
  for (uint64_t point = 1;; ++point) {
    std::filesystem::remove_all(directory());
    std::filesystem::create_directory(directory());
    const WalInspection inspection = Inspect({log, second.log()});
    disk->CrashAt(disk->write_points() + point);
    const bool done = CutUnsyncedTail(disk.get(), directory(), inspection).ok();
    disk->PowerCut();
    if (done) break;
    ++crashes;
    const WalInspection again = Inspect({});
    if (again.verdict != Verdict::kIntact) {
      ASSERT_EQ(again.verdict, Verdict::kUnsyncedTail) << "point " << point;
      ASSERT_OK(CutUnsyncedTail(disk.get(), directory(), again));
    }
    ASSERT_EQ(ReadFile(directory() + "/" + NameOf(0)),
              first.log().substr(0, first.start(1)))
        << "point " << point;
    // Nothing is lost: each file is somewhere as it was.
    std::vector<std::string> contents;
    for (const auto& file : AllFiles(directory())) {
      contents.push_back(file.second);
    }
    EXPECT_NE(std::find(contents.begin(), contents.end(), log), contents.end());
    EXPECT_NE(std::find(contents.begin(), contents.end(), second.log()),
              contents.end());
  }
  EXPECT_GT(crashes, 5);
}

}  // namespace
}  // namespace parley::storage
