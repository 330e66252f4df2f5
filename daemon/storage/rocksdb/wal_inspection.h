#ifndef DAEMON_STORAGE_ROCKSDB_WAL_INSPECTION_H_
#define DAEMON_STORAGE_ROCKSDB_WAL_INSPECTION_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "rocksdb/file_system.h"

// What a crash, a power cut or a bad disk did to the write-ahead log, found out
// before RocksDB opens it. RocksDB by itself either loses all that follows a
// bad spot without a word, or refuses also what a power cut ordinarily leaves;
// and it skips a page of zeros in either mode, and what follows is applied as
// if nothing were missing.
//
// What was not synced may be gone in any pattern: the end cut off, filled with
// garbage, or a page in the middle missing and the next one there. What was
// synced must be there. To tell the two apart, each batch says how far the log
// was synced when it was written (sync_mark.h). A batch behind a bad spot that
// says that the bad spot was synced proves damage; without such a batch, all
// from the bad spot on is a tail that nobody was promised.
namespace parley::storage {

struct WalInspection {
  enum class Verdict {
    // All records are whole and none is missing. The last one may be cut off
    // at the end of the log: its write never returned.
    kIntact,
    // From `file` at `offset` on there are only writes that were not synced,
    // not all of them readable.
    kUnsyncedTail,
    // Synced writes cannot be read.
    kDamaged,
  };
  Verdict verdict = Verdict::kIntact;
  // Of the first bad spot.
  std::string file;
  uint64_t offset = 0;
  uint64_t file_bytes = 0;
  std::string what;  // for a person
  // Log files after that one, oldest first.
  std::vector<std::string> later_files;
};

// Reads all log files of the RocksDB in `directory`. A directory that is not
// there has none.
absl::StatusOr<WalInspection> InspectWals(rocksdb::FileSystem* file_system,
                                          const std::string& directory);

// Makes a log with the verdict kUnsyncedTail one with the verdict kIntact, by
// cutting it off at the bad spot. All that is cut off is first copied to a new
// folder in `directory`, whose path is returned. May be cut short by a crash
// and done again.
absl::StatusOr<std::string> CutUnsyncedTail(rocksdb::FileSystem* file_system,
                                            const std::string& directory,
                                            const WalInspection& inspection);

}  // namespace parley::storage

#endif  // DAEMON_STORAGE_ROCKSDB_WAL_INSPECTION_H_
