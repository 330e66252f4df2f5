#include "tests/sim/sim_disk.h"

#include <utility>

#include "daemon/base/check.h"

namespace parley::sim {

absl::StatusOr<std::optional<std::string>> RowsReader::Get(
    absl::string_view key) const {
  const auto found = rows_.find(key);
  if (found == rows_.end()) return std::optional<std::string>();
  return std::optional<std::string>(found->second);
}

absl::StatusOr<std::vector<storage::Row>> RowsReader::Scan(
    absl::string_view begin, absl::string_view end, size_t limit,
    storage::ScanOrder order) const {
  std::vector<storage::Row> found;
  const auto first = rows_.lower_bound(begin);
  const auto last = end.empty() ? rows_.end() : rows_.lower_bound(end);
  if (!end.empty() && end <= begin) return found;
  if (order == storage::ScanOrder::kAscending) {
    for (auto it = first; it != last && found.size() < limit; ++it) {
      found.push_back({it->first, it->second});
    }
  } else {
    for (auto it = last; it != first && found.size() < limit;) {
      --it;
      found.push_back({it->first, it->second});
    }
  }
  return found;
}

void RowsReader::Apply(const storage::Write& write) {
  if (write.value.has_value()) {
    rows_[write.key] = *write.value;
  } else {
    rows_.erase(write.key);
  }
}

SimDisk::SimDisk() = default;

absl::StatusOr<std::optional<std::string>> SimDisk::Get(
    absl::string_view key) const {
  return memory_.Get(key);
}

absl::StatusOr<std::vector<storage::Row>> SimDisk::Scan(
    absl::string_view begin, absl::string_view end, size_t limit,
    storage::ScanOrder order) const {
  return memory_.Scan(begin, end, limit, order);
}

absl::Status SimDisk::Commit(
    const std::vector<storage::Transaction>& transactions) {
  bool sync = false;
  for (const storage::Transaction& transaction : transactions) {
    sync |= transaction.durability == storage::Durability::kSync;
    for (const storage::Write& write : transaction.writes) {
      unsynced_.push_back(write);
    }
  }
  const absl::Status status = memory_.Commit(transactions);
  PARLEY_CHECK(status.ok());
  return sync ? Sync() : status;
}

absl::Status SimDisk::Sync() {
  if (breaks_promises_) before_last_sync_ = synced_;
  for (const storage::Write& write : unsynced_) synced_.Apply(write);
  unsynced_.clear();
  return memory_.Sync();
}

absl::Status SimDisk::Recover() {
  const absl::Status status = memory_.Recover();
  return status.ok() ? Sync() : status;
}

std::unique_ptr<storage::StoreReader> SimDisk::NewSnapshot() const {
  return memory_.NewSnapshot();
}

bool SimDisk::CutPower() {
  const bool took = !unsynced_.empty();
  unsynced_.clear();
  memory_.DropUnsynced();
  if (breaks_promises_) {
    storage::Transaction undo;
    for (const auto& [key, value] : synced_.rows()) {
      if (before_last_sync_.rows().count(key) == 0) {
        undo.writes.push_back({key, std::nullopt});
      }
    }
    for (const auto& [key, value] : before_last_sync_.rows()) {
      undo.writes.push_back({key, value});
    }
    undo.durability = storage::Durability::kSync;
    PARLEY_CHECK(memory_.Commit({undo}).ok());
    synced_ = before_last_sync_;
  }
  const auto left =
      memory_.Scan("", "", SIZE_MAX, storage::ScanOrder::kAscending);
  // Two independent accounts of one disk.
  PARLEY_CHECK(left.ok() && left->size() == synced_.rows().size());
  return took;
}

}  // namespace parley::sim
