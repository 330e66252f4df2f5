#include "tests/spec/spec_disk.h"

#include <stdlib.h>

#include <filesystem>
#include <string>
#include <utility>

#include "daemon/base/check.h"
#include "daemon/storage/rocksdb/fault_file_system.h"
#include "daemon/storage/rocksdb/rocksdb_store.h"
#include "tests/sim/sim_disk.h"

namespace parley::spec {
namespace {

class MemoryDisk : public SpecDisk {
 public:
  storage::Store* store() override { return &disk_; }
  const storage::StoreReader* synced() const override {
    return &disk_.synced();
  }
  void Kill() override {}
  void CutPower() override { disk_.CutPower(); }

 private:
  sim::SimDisk disk_;
};

class RocksDbDisk : public SpecDisk {
 public:
  RocksDbDisk() {
    const char* parent = getenv("TEST_TMPDIR");
    std::string pattern =
        std::string(parent != nullptr ? parent : "/tmp") + "/spec.XXXXXX";
    PARLEY_CHECK(mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    std::filesystem::create_directory(folder_ + "/trash");
    files_ = std::make_shared<storage::FaultFileSystem>(
        rocksdb::FileSystem::Default(), folder_ + "/trash");
    Open();
  }
  ~RocksDbDisk() override {
    store_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  storage::Store* store() override { return store_.get(); }
  const storage::StoreReader* synced() const override { return nullptr; }
  void Kill() override {
    store_.reset();
    Open();
  }
  void CutPower() override {
    files_->Crash();
    store_.reset();
    files_->PowerCut();
    Open();
  }

 private:
  void Open() {
    storage::RocksDbStore::Options options;
    options.file_system = files_;
    auto store = storage::RocksDbStore::Open(folder_ + "/db", options);
    PARLEY_CHECK(store.ok());
    store_ = *std::move(store);
  }

  std::string folder_;
  std::shared_ptr<storage::FaultFileSystem> files_;
  std::unique_ptr<storage::RocksDbStore> store_;
};

}  // namespace

std::unique_ptr<SpecDisk> MakeMemoryDisk() {
  return std::make_unique<MemoryDisk>();
}

std::unique_ptr<SpecDisk> MakeRocksDbDisk() {
  return std::make_unique<RocksDbDisk>();
}

}  // namespace parley::spec
