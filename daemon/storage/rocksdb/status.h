#ifndef DAEMON_STORAGE_ROCKSDB_STATUS_H_
#define DAEMON_STORAGE_ROCKSDB_STATUS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "rocksdb/status.h"

namespace parley::storage {

// What a RocksDB status means to the callers of a Store. `what` is for a
// person: what was tried.
//
//   RESOURCE_EXHAUSTED  the disk is full
//   DATA_LOSS           a checksum does not match
//   UNAVAILABLE         an I/O error, or the store is being closed
absl::Status ToStatus(const rocksdb::Status& status, absl::string_view what);

}  // namespace parley::storage

#endif  // DAEMON_STORAGE_ROCKSDB_STATUS_H_
