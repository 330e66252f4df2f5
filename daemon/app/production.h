#ifndef DAEMON_APP_PRODUCTION_H_
#define DAEMON_APP_PRODUCTION_H_

#include <memory>

#include "daemon/app/daemon.h"

namespace rocksdb {
class FileSystem;
}  // namespace rocksdb

namespace parley::app {

// What the program is built on: RocksDB on the machine's files, or on
// `file_system`, so that a test can be the program on a disk that fails.
Dependencies ProductionDependencies(
    std::shared_ptr<rocksdb::FileSystem> file_system = nullptr);

}  // namespace parley::app

#endif  // DAEMON_APP_PRODUCTION_H_
