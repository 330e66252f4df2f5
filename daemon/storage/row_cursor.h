#ifndef DAEMON_STORAGE_ROW_CURSOR_H_
#define DAEMON_STORAGE_ROW_CURSOR_H_

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/storage/keys.h"
#include "daemon/storage/store.h"

namespace parley::storage {

// Reads a range row by row, in pages, so that a long range is never in memory.
// On a store that changes meanwhile each page is as new as its reading; on a
// snapshot all of them agree. Single-threaded; `reader` must outlive it.
class RowCursor {
 public:
  // `expected` rows will be read, as far as the caller can tell: the first page
  // is no larger.
  RowCursor(const StoreReader* reader, KeyRange range, ScanOrder order,
            size_t expected = kMaxPageRows);

  // The next row, or null after the last one. Valid until the next call; the
  // caller may move from it.
  absl::StatusOr<Row*> Next();

 private:
  // Rows can have 64 KiB: a page has at most a few megabytes.
  static constexpr size_t kMaxPageRows = 64;

  const StoreReader* const reader_;
  KeyRange rest_;
  const ScanOrder order_;
  size_t page_rows_;
  std::vector<Row> page_;
  size_t next_ = 0;
  bool at_end_ = false;
};

}  // namespace parley::storage

#endif  // DAEMON_STORAGE_ROW_CURSOR_H_
