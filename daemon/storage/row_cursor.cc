#include "daemon/storage/row_cursor.h"

#include <algorithm>
#include <utility>

namespace parley::storage {

RowCursor::RowCursor(const StoreReader* reader, KeyRange range, ScanOrder order,
                     size_t expected)
    : reader_(reader),
      rest_(std::move(range)),
      order_(order),
      page_rows_(std::clamp<size_t>(expected, 1, kMaxPageRows)) {}

absl::StatusOr<Row*> RowCursor::Next() {
  if (next_ == page_.size()) {
    if (at_end_) return nullptr;
    absl::StatusOr<std::vector<Row>> page =
        reader_->Scan(rest_.begin, rest_.end, page_rows_, order_);
    if (!page.ok()) return page.status();
    page_ = *std::move(page);
    next_ = 0;
    at_end_ = page_.size() < page_rows_;
    if (page_.empty()) return nullptr;
    if (order_ == ScanOrder::kAscending) {
      rest_.begin = KeyAfter(page_.back().key);
    } else {
      rest_.end = page_.back().key;
      // An empty bound would mean none.
      at_end_ = at_end_ || rest_.end.empty();
    }
    page_rows_ = std::min(page_rows_ * 2, kMaxPageRows);
  }
  return &page_[next_++];
}

}  // namespace parley::storage
