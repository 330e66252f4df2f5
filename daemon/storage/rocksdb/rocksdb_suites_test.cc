#include <utility>

#include "daemon/base/check.h"
#include "daemon/storage/rocksdb/rocksdb_store.h"
#include "daemon/storage/rocksdb/test_directory.h"
#include "daemon/storage/testing/store_harness.h"
#include "daemon/storage/testing/suites.h"

namespace parley::storage {
namespace {

class RocksDbHarness : public StoreHarness {
 public:
  explicit RocksDbHarness(FaultFileSystem::Tail tail) : tail_(tail) { Open(); }

  Store* store() override { return store_.get(); }
  void Restart() override {
    store_.reset();
    Open();
  }
  void PowerCut() override {
    directory_.file_system()->Crash();
    store_.reset();
    directory_.file_system()->PowerCut(tail_);
    Open();
  }

 private:
  void Open() {
    auto store =
        RocksDbStore::Open(directory_.store(), {directory_.file_system()});
    if (!store.ok()) ADD_FAILURE() << store.status();
    PARLEY_CHECK(store.ok());
    store_ = *std::move(store);
  }

  const FaultFileSystem::Tail tail_;
  const TestDirectory directory_;
  std::unique_ptr<RocksDbStore> store_;
};

StoreEngine RocksDbEngine(const std::string& name, FaultFileSystem::Tail tail) {
  return {name, [tail] { return std::make_unique<RocksDbHarness>(tail); }};
}

}  // namespace

PARLEY_INSTANTIATE_STORE_SUITES(RocksDbEngine("RocksDb",
                                              FaultFileSystem::Tail::kDrop));

// Only what a power cut leaves is different.
INSTANTIATE_TEST_SUITE_P(
    TornTails, StoreContractTest,
    testing::Values(RocksDbEngine("Torn", FaultFileSystem::Tail::kTear),
                    RocksDbEngine("Scrambled",
                                  FaultFileSystem::Tail::kScramble)),
    &EngineName);

}  // namespace parley::storage
