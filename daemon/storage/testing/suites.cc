#include "daemon/storage/testing/suites.h"

#include "daemon/storage/open.h"

namespace parley::storage {

void TablesEngineTest::OpenTables(const TableLimits& limits) {
  limits_ = limits;
  PARLEY_CHECK(PrepareStore(store(), "store-1").ok());
  staged_ = std::make_unique<StagedStore>(store());
  absl::StatusOr<Tables> tables = Tables::Open(staged_.get(), limits);
  PARLEY_CHECK(tables.ok());
  tables_.emplace(*std::move(tables));
}

void TablesEngineTest::Commit(Durability durability) {
  Transaction transaction = staged_->TakeTransaction();
  if (transaction.empty()) {
    if (durability == Durability::kSync) PARLEY_CHECK(store()->Sync().ok());
    return;
  }
  transaction.durability = durability;
  PARLEY_CHECK(store()->Commit({transaction}).ok());
  staged_->OnCommitted(staged_->last_taken());
}

std::string EngineName(const testing::TestParamInfo<StoreEngine>& info) {
  return info.param.name;
}

}  // namespace parley::storage
