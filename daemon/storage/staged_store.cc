#include "daemon/storage/staged_store.h"

#include <iterator>
#include <utility>

#include "daemon/storage/row_cursor.h"

namespace parley::storage {

absl::StatusOr<std::optional<std::string>> StagedStore::Get(
    absl::string_view key) const {
  const auto it = overlay_.find(key);
  if (it != overlay_.end()) return it->second.value;
  return base_->Get(key);
}

absl::StatusOr<std::vector<Row>> StagedStore::Scan(absl::string_view begin,
                                                   absl::string_view end,
                                                   size_t limit,
                                                   ScanOrder order) const {
  std::vector<Row> rows;
  if (!end.empty() && begin >= end) return rows;
  const bool ascending = order == ScanOrder::kAscending;
  RowCursor base(base_, {std::string(begin), std::string(end)}, order, limit);
  Row* stored = nullptr;
  bool read_on = true;

  // The part of the overlay in range that is not yet merged.
  auto low = overlay_.lower_bound(begin);
  auto high = end.empty() ? overlay_.end() : overlay_.lower_bound(end);
  while (rows.size() < limit) {
    if (read_on) {
      absl::StatusOr<Row*> next = base.Next();
      if (!next.ok()) return next.status();
      stored = *next;
      read_on = false;
    }
    if (low == high) {
      if (stored == nullptr) break;
      rows.push_back(std::move(*stored));
      read_on = true;
      continue;
    }
    const auto staged = ascending ? low : std::prev(high);
    const int compared =
        stored == nullptr ? 1 : stored->key.compare(staged->first);
    if (stored != nullptr && (ascending ? compared < 0 : compared > 0)) {
      rows.push_back(std::move(*stored));
      read_on = true;
      continue;
    }
    // The overlay hides the stored row with the same key.
    if (stored != nullptr && compared == 0) read_on = true;
    if (staged->second.value.has_value()) {
      rows.push_back({staged->first, *staged->second.value});
    }
    if (ascending) {
      ++low;
    } else {
      high = staged;
    }
  }
  return rows;
}

void StagedStore::Put(absl::string_view key, std::string value) {
  Stage(key, std::move(value));
}

void StagedStore::Delete(absl::string_view key) { Stage(key, std::nullopt); }

void StagedStore::Stage(absl::string_view key,
                        std::optional<std::string> value) {
  const uint64_t transaction = last_taken_ + 1;
  const auto it = overlay_.lower_bound(key);
  if (it != overlay_.end() && it->first == key) {
    Staged& staged = it->second;
    if (staged.transaction == transaction) {
      // Only the last write of a transaction counts.
      current_.writes[staged.write].value = value;
    } else {
      staged.transaction = transaction;
      staged.write = current_.writes.size();
      current_.writes.push_back({it->first, value});
    }
    staged.value = std::move(value);
    return;
  }
  const size_t write = current_.writes.size();
  current_.writes.push_back({std::string(key), value});
  overlay_.emplace_hint(it, std::string(key),
                        Staged{std::move(value), transaction, write});
}

Transaction StagedStore::TakeTransaction() {
  if (!current_.empty()) ++last_taken_;
  return std::exchange(current_, Transaction());
}

void StagedStore::OnCommitted(uint64_t number) {
  for (auto it = overlay_.begin(); it != overlay_.end();) {
    it = it->second.transaction <= number ? overlay_.erase(it) : std::next(it);
  }
}

}  // namespace parley::storage
