#ifndef DAEMON_STORAGE_ROCKSDB_ROCKSDB_OPTIONS_H_
#define DAEMON_STORAGE_ROCKSDB_ROCKSDB_OPTIONS_H_

#include "rocksdb/env.h"
#include "rocksdb/options.h"

namespace parley::storage {

// RocksDB for a daemon that few people notice: small in memory and on disk,
// idle when nothing happens, and quiet in its own log. `env` must outlive the
// database.
rocksdb::Options MakeRocksDbOptions(rocksdb::Env* env);

}  // namespace parley::storage

#endif  // DAEMON_STORAGE_ROCKSDB_ROCKSDB_OPTIONS_H_
