#include "daemon/storage/memory_store.h"
#include "daemon/storage/testing/store_harness.h"

namespace parley::storage {
namespace {

class MemoryHarness : public StoreHarness {
 public:
  Store* store() override { return store_.get(); }
  void Restart() override { store_ = store_->Clone(); }
  void PowerCut() override {
    store_ = store_->Clone();
    store_->DropUnsynced();
  }

 private:
  std::unique_ptr<MemoryStore> store_ = std::make_unique<MemoryStore>();
};

}  // namespace

StoreEngine MemoryEngine() {
  return {"Memory", [] { return std::make_unique<MemoryHarness>(); }};
}

}  // namespace parley::storage
