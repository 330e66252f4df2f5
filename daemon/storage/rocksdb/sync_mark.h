#ifndef DAEMON_STORAGE_ROCKSDB_SYNC_MARK_H_
#define DAEMON_STORAGE_ROCKSDB_SYNC_MARK_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace parley::storage {

inline constexpr size_t kSyncMarkBytes = 10;

// To be the first entry of each write batch, by WriteBatch::PutLogData: writes
// up to and including `synced` (a RocksDB sequence number) were synced when the
// batch was written. wal_inspection.h says what for.
std::string MakeSyncMark(uint64_t synced);
std::optional<uint64_t> ParseSyncMark(absl::string_view bytes);

}  // namespace parley::storage

#endif  // DAEMON_STORAGE_ROCKSDB_SYNC_MARK_H_
