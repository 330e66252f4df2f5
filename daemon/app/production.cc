#include "daemon/app/production.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/storage/rocksdb/rocksdb_store.h"

namespace parley::app {

Dependencies ProductionDependencies(
    std::shared_ptr<rocksdb::FileSystem> file_system) {
  Dependencies dependencies;
  dependencies.open_store =
      [file_system = std::move(file_system)](
          const std::string& directory) -> absl::StatusOr<OpenedStore> {
    storage::RocksDbStore::Options options;
    options.file_system = file_system;
    absl::StatusOr<std::unique_ptr<storage::RocksDbStore>> store =
        storage::RocksDbStore::Open(directory, options);
    if (!store.ok()) return store.status();
    OpenedStore opened;
    if (!(*store)->recovery_report().empty()) {
      opened.notices.push_back((*store)->recovery_report().text);
    }
    opened.store = *std::move(store);
    return opened;
  };
  return dependencies;
}

}  // namespace parley::app
