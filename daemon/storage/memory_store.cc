#include "daemon/storage/memory_store.h"

#include <algorithm>
#include <iterator>

namespace parley::storage {
namespace {

using Rows = std::map<std::string, std::string, std::less<>>;

std::optional<std::string> GetRow(const Rows& rows, absl::string_view key) {
  const auto it = rows.find(key);
  if (it == rows.end()) return std::nullopt;
  return it->second;
}

std::vector<Row> ScanRows(const Rows& rows, absl::string_view begin,
                          absl::string_view end, size_t limit,
                          ScanOrder order) {
  std::vector<Row> found;
  if (!end.empty() && begin >= end) return found;
  auto low = rows.lower_bound(begin);
  auto high = end.empty() ? rows.end() : rows.lower_bound(end);
  while (low != high && found.size() < limit) {
    const auto it = order == ScanOrder::kAscending ? low++ : --high;
    found.push_back({it->first, it->second});
  }
  return found;
}

}  // namespace

class MemoryStore::Snapshot : public StoreReader {
 public:
  explicit Snapshot(std::shared_ptr<const Map> rows) : rows_(std::move(rows)) {}

  absl::StatusOr<std::optional<std::string>> Get(
      absl::string_view key) const override {
    return GetRow(*rows_, key);
  }
  absl::StatusOr<std::vector<Row>> Scan(absl::string_view begin,
                                        absl::string_view end, size_t limit,
                                        ScanOrder order) const override {
    return ScanRows(*rows_, begin, end, limit, order);
  }

 private:
  const std::shared_ptr<const Map> rows_;
};

absl::StatusOr<std::optional<std::string>> MemoryStore::Get(
    absl::string_view key) const {
  base::MutexLock lock(&mutex_);
  return GetRow(*rows_, key);
}

absl::StatusOr<std::vector<Row>> MemoryStore::Scan(absl::string_view begin,
                                                   absl::string_view end,
                                                   size_t limit,
                                                   ScanOrder order) const {
  base::MutexLock lock(&mutex_);
  return ScanRows(*rows_, begin, end, limit, order);
}

absl::Status MemoryStore::Commit(const std::vector<Transaction>& transactions) {
  if (failed_) {
    return absl::FailedPreconditionError(
        "a write to the store failed; it must recover first");
  }
  const std::optional<Failure> failure = Ask(Operation::kCommit);
  if (!failure.has_value() || failure->applied) Apply(transactions);
  if (failure.has_value()) return failure->status;
  if (std::any_of(transactions.begin(), transactions.end(),
                  [](const Transaction& transaction) {
                    return transaction.durability == Durability::kSync;
                  })) {
    unsynced_.clear();
  }
  return absl::OkStatus();
}

absl::Status MemoryStore::Sync() {
  if (failed_) {
    return absl::FailedPreconditionError(
        "a write to the store failed; it must recover first");
  }
  if (const auto failure = Ask(Operation::kSync)) return failure->status;
  unsynced_.clear();
  return absl::OkStatus();
}

absl::Status MemoryStore::Recover() {
  if (const auto failure = Ask(Operation::kRecover)) return failure->status;
  failed_ = false;
  unsynced_.clear();
  return absl::OkStatus();
}

std::unique_ptr<StoreReader> MemoryStore::NewSnapshot() const {
  return std::make_unique<Snapshot>(rows());
}

void MemoryStore::DropUnsynced(size_t kept) {
  base::MutexLock lock(&mutex_);
  Map* rows = MutableRows();
  while (unsynced_.size() > kept) {
    Undo& undo = unsynced_.back();
    for (auto it = undo.rbegin(); it != undo.rend(); ++it) {
      if (it->second.has_value()) {
        (*rows)[it->first] = *std::move(it->second);
      } else {
        rows->erase(it->first);
      }
    }
    unsynced_.pop_back();
  }
}

std::unique_ptr<MemoryStore> MemoryStore::Clone() const {
  auto clone = std::make_unique<MemoryStore>();
  base::MutexLock lock(&clone->mutex_);
  clone->rows_ = std::make_shared<Map>(*rows());
  clone->unsynced_ = unsynced_;
  return clone;
}

std::optional<MemoryStore::Failure> MemoryStore::Ask(Operation operation) {
  if (!fault_hook_) return std::nullopt;
  std::optional<Failure> failure = fault_hook_(operation);
  if (failure.has_value()) failed_ = true;
  return failure;
}

void MemoryStore::Apply(const std::vector<Transaction>& transactions) {
  Undo undo;
  base::MutexLock lock(&mutex_);
  Map* rows = MutableRows();
  for (const Transaction& transaction : transactions) {
    for (const Write& write : transaction.writes) {
      const auto it = rows->lower_bound(write.key);
      const bool found = it != rows->end() && it->first == write.key;
      undo.emplace_back(write.key, std::nullopt);
      if (found) undo.back().second = std::move(it->second);
      if (!write.value.has_value()) {
        if (found) rows->erase(it);
      } else if (found) {
        it->second = *write.value;
      } else {
        rows->emplace_hint(it, write.key, *write.value);
      }
    }
  }
  if (!undo.empty()) unsynced_.push_back(std::move(undo));
}

std::shared_ptr<const MemoryStore::Map> MemoryStore::rows() const {
  base::MutexLock lock(&mutex_);
  return rows_;
}

MemoryStore::Map* MemoryStore::MutableRows() {
  if (rows_.use_count() > 1) rows_ = std::make_shared<Map>(*rows_);
  return rows_.get();
}

}  // namespace parley::storage
