#ifndef DAEMON_STORAGE_TESTING_SUITES_H_
#define DAEMON_STORAGE_TESTING_SUITES_H_

#include <memory>
#include <optional>
#include <string>

#include "daemon/base/check.h"
#include "daemon/storage/staged_store.h"
#include "daemon/storage/tables.h"
#include "daemon/storage/testing/store_harness.h"
#include "gtest/gtest.h"

// The tests that each storage engine must pass. A test binary of an engine
// links them and says PARLEY_INSTANTIATE_STORE_SUITES.
namespace parley::storage {

class EngineTest : public testing::TestWithParam<StoreEngine> {
 protected:
  Store* store() { return harness_->store(); }
  StoreHarness* harness() { return harness_.get(); }
  // Another, empty store.
  void StartAnew() { harness_ = GetParam().make(); }

 private:
  std::unique_ptr<StoreHarness> harness_ = GetParam().make();
};

// A prepared store with its tables, used as the core uses them.
class TablesEngineTest : public EngineTest {
 protected:
  TablesEngineTest() { OpenTables(); }

  Tables& tables() { return *tables_; }
  StagedStore& staged() { return *staged_; }

  // Opens the tables anew, as after a start; what was staged is dropped.
  void OpenTables(const TableLimits& limits = {});
  // Ends the transaction, writes it, and forgets the overlay.
  void Commit(Durability durability = Durability::kRelaxed);
  void Restart() {
    Commit();
    harness()->Restart();
    OpenTables(limits_);
  }

 private:
  TableLimits limits_;
  std::unique_ptr<StagedStore> staged_;
  std::optional<Tables> tables_;
};

// The port (store_contract.cc).
class StoreContractTest : public EngineTest {};
// What is built on it.
class RoomTablesTest : public TablesEngineTest {};
class OutboxTablesTest : public TablesEngineTest {};
class MessageTablesTest : public TablesEngineTest {};
class FeedTest : public TablesEngineTest {};
class FeedModelTest : public TablesEngineTest {};
class ListsTest : public TablesEngineTest {};
class OpenTest : public EngineTest {};

std::string EngineName(const testing::TestParamInfo<StoreEngine>& info);

}  // namespace parley::storage

#define PARLEY_INSTANTIATE_STORE_SUITE(suite, engine)               \
  INSTANTIATE_TEST_SUITE_P(Engines, suite, testing::Values(engine), \
                           &::parley::storage::EngineName)
#define PARLEY_INSTANTIATE_STORE_SUITES(engine)              \
  PARLEY_INSTANTIATE_STORE_SUITE(StoreContractTest, engine); \
  PARLEY_INSTANTIATE_STORE_SUITE(RoomTablesTest, engine);    \
  PARLEY_INSTANTIATE_STORE_SUITE(OutboxTablesTest, engine);  \
  PARLEY_INSTANTIATE_STORE_SUITE(MessageTablesTest, engine); \
  PARLEY_INSTANTIATE_STORE_SUITE(FeedTest, engine);          \
  PARLEY_INSTANTIATE_STORE_SUITE(FeedModelTest, engine);     \
  PARLEY_INSTANTIATE_STORE_SUITE(ListsTest, engine);         \
  PARLEY_INSTANTIATE_STORE_SUITE(OpenTest, engine)

#endif  // DAEMON_STORAGE_TESTING_SUITES_H_
