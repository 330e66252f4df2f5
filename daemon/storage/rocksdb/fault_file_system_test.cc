#include "daemon/storage/rocksdb/fault_file_system.h"

#include <filesystem>
#include <memory>
#include <string>

#include "daemon/storage/rocksdb/store_files.h"
#include "daemon/storage/rocksdb/test_directory.h"
#include "gtest/gtest.h"

namespace parley::storage {
namespace {

using rocksdb::FileOptions;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using Operation = FaultFileSystem::Operation;
using Tail = FaultFileSystem::Tail;

class FaultFileSystemTest : public testing::Test {
 protected:
  FaultFileSystemTest() {
    std::filesystem::create_directory(directory_.store());
  }

  FaultFileSystem* disk() { return directory_.file_system().get(); }
  std::string Path(const std::string& name) const {
    return directory_.store() + "/" + name;
  }
  std::string Contents(const std::string& name) const {
    return std::filesystem::exists(Path(name)) ? ReadFile(Path(name)) : "none";
  }

  std::unique_ptr<rocksdb::FSWritableFile> Create(const std::string& name) {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    EXPECT_TRUE(disk()
                    ->NewWritableFile(Path(name), FileOptions(), &file, nullptr)
                    .ok());
    return file;
  }
  IOStatus Append(rocksdb::FSWritableFile* file, const std::string& data) {
    return file->Append(data, IOOptions(), nullptr);
  }
  IOStatus SyncDirectory() {
    std::unique_ptr<rocksdb::FSDirectory> handle;
    const IOStatus opened =
        disk()->NewDirectory(directory_.store(), IOOptions(), &handle, nullptr);
    return opened.ok() ? handle->Fsync(IOOptions(), nullptr) : opened;
  }
  // A file with `data`, all of it on the disk.
  void CreateSynced(const std::string& name, const std::string& data) {
    const auto file = Create(name);
    EXPECT_TRUE(Append(file.get(), data).ok());
    EXPECT_TRUE(file->Sync(IOOptions(), nullptr).ok());
    EXPECT_TRUE(SyncDirectory().ok());
  }
  IOStatus Rename(const std::string& from, const std::string& to) {
    return disk()->RenameFile(Path(from), Path(to), IOOptions(), nullptr);
  }
  IOStatus Delete(const std::string& name) {
    return disk()->DeleteFile(Path(name), IOOptions(), nullptr);
  }

  const TestDirectory directory_;
};

TEST_F(FaultFileSystemTest, UnsyncedBytesAreLost) {
  const auto file = Create("a");
  ASSERT_TRUE(Append(file.get(), "synced").ok());
  ASSERT_TRUE(file->Sync(IOOptions(), nullptr).ok());
  ASSERT_TRUE(SyncDirectory().ok());
  ASSERT_TRUE(Append(file.get(), " and not").ok());
  EXPECT_EQ(Contents("a"), "synced and not");
  disk()->PowerCut();
  EXPECT_EQ(Contents("a"), "synced");
}

TEST_F(FaultFileSystemTest, TailsCanBeTornOrScrambled) {
  for (const Tail tail : {Tail::kTear, Tail::kScramble}) {
    const auto file = Create("a");
    ASSERT_TRUE(Append(file.get(), "synced").ok());
    ASSERT_TRUE(file->Sync(IOOptions(), nullptr).ok());
    ASSERT_TRUE(SyncDirectory().ok());
    ASSERT_TRUE(Append(file.get(), "tail").ok());
    disk()->PowerCut(tail);
    EXPECT_EQ(Contents("a"), tail == Tail::kTear
                                 ? "syncedta"
                                 : std::string("synced\0\0il", 10));
  }
}

TEST_F(FaultFileSystemTest, AFileInAnUnsyncedDirectoryIsLost) {
  const auto file = Create("a");
  ASSERT_TRUE(Append(file.get(), "synced").ok());
  ASSERT_TRUE(file->Sync(IOOptions(), nullptr).ok());
  disk()->PowerCut();
  EXPECT_EQ(Contents("a"), "none");
}

TEST_F(FaultFileSystemTest, AnUnsyncedRenameIsUndone) {
  CreateSynced("a", "new");
  CreateSynced("b", "old");
  ASSERT_TRUE(Rename("a", "b").ok());
  EXPECT_EQ(Contents("b"), "new");
  disk()->PowerCut();
  EXPECT_EQ(Contents("a"), "new");
  EXPECT_EQ(Contents("b"), "old");
  ASSERT_TRUE(Rename("a", "b").ok());
  ASSERT_TRUE(SyncDirectory().ok());
  disk()->PowerCut();
  EXPECT_EQ(Contents("a"), "none");
  EXPECT_EQ(Contents("b"), "new");
}

TEST_F(FaultFileSystemTest, AnUnsyncedDeletionIsUndone) {
  CreateSynced("a", "kept");
  ASSERT_TRUE(Delete("a").ok());
  EXPECT_EQ(Contents("a"), "none");
  disk()->PowerCut();
  EXPECT_EQ(Contents("a"), "kept");
  ASSERT_TRUE(Delete("a").ok());
  ASSERT_TRUE(SyncDirectory().ok());
  disk()->PowerCut();
  EXPECT_EQ(Contents("a"), "none");
}

TEST_F(FaultFileSystemTest, AnUnsyncedReplacementIsUndone) {
  CreateSynced("a", "old");
  const auto file = Create("a");
  ASSERT_TRUE(Append(file.get(), "new").ok());
  ASSERT_TRUE(file->Sync(IOOptions(), nullptr).ok());
  EXPECT_EQ(Contents("a"), "new");
  disk()->PowerCut();
  EXPECT_EQ(Contents("a"), "old");
}

TEST_F(FaultFileSystemTest, AReopenedFileKeepsWhatItHad) {
  CreateSynced("a", "old");
  std::unique_ptr<rocksdb::FSWritableFile> file;
  ASSERT_TRUE(disk()
                  ->ReopenWritableFile(Path("a"), FileOptions(), &file, nullptr)
                  .ok());
  ASSERT_TRUE(Append(file.get(), " new").ok());
  EXPECT_EQ(Contents("a"), "old new");
  disk()->PowerCut();
  EXPECT_EQ(Contents("a"), "old");
}

TEST_F(FaultFileSystemTest, CrashesAtAWritePointAndFailsUntilThePowerCut) {
  const auto file = Create("a");
  ASSERT_TRUE(file->Sync(IOOptions(), nullptr).ok());
  ASSERT_TRUE(SyncDirectory().ok());
  const uint64_t points = disk()->write_points();
  EXPECT_EQ(points, 3u);
  disk()->CrashAt(points + 2);
  ASSERT_TRUE(Append(file.get(), "1234").ok());
  EXPECT_FALSE(disk()->crashed());
  // The second append leaves its half.
  EXPECT_FALSE(Append(file.get(), "5678").ok());
  EXPECT_TRUE(disk()->crashed());
  EXPECT_EQ(Contents("a"), "123456");
  EXPECT_FALSE(file->Sync(IOOptions(), nullptr).ok());
  EXPECT_FALSE(Delete("a").ok());
  EXPECT_FALSE(Rename("a", "b").ok());
  EXPECT_EQ(disk()->write_points(), points + 2);
  disk()->PowerCut(Tail::kTear);
  EXPECT_EQ(Contents("a"), "123");
  EXPECT_FALSE(disk()->crashed());
  ASSERT_TRUE(Delete("a").ok());
}

TEST_F(FaultFileSystemTest, AHookSeesOperationsAndFailsThem) {
  std::vector<Operation> seen;
  const IOStatus full = IOStatus::NoSpace("full");
  disk()->SetHook([&](Operation operation, const std::string&) {
    seen.push_back(operation);
    return operation == Operation::kSync ? full : IOStatus::OK();
  });
  const auto file = Create("a");
  ASSERT_TRUE(Append(file.get(), "x").ok());
  EXPECT_TRUE(file->Sync(IOOptions(), nullptr).IsNoSpace());
  disk()->SetHook(nullptr);
  EXPECT_EQ(seen,
            (std::vector<Operation>{Operation::kCreate, Operation::kAppend,
                                    Operation::kSync}));
  // What was not synced, was not.
  ASSERT_TRUE(SyncDirectory().ok());
  disk()->PowerCut();
  EXPECT_EQ(Contents("a"), "");
}

}  // namespace
}  // namespace parley::storage
