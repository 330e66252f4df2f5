#ifndef TESTS_SIM_SIM_DISK_H_
#define TESTS_SIM_SIM_DISK_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/storage/memory_store.h"
#include "daemon/storage/store.h"

namespace parley::sim {

// Rows in a map, read as a store is.
class RowsReader : public storage::StoreReader {
 public:
  absl::StatusOr<std::optional<std::string>> Get(
      absl::string_view key) const override;
  absl::StatusOr<std::vector<storage::Row>> Scan(
      absl::string_view begin, absl::string_view end, size_t limit,
      storage::ScanOrder order) const override;

  void Apply(const storage::Write& write);
  const std::map<std::string, std::string, std::less<>>& rows() const {
    return rows_;
  }

 private:
  std::map<std::string, std::string, std::less<>> rows_;
};

// A device's disk: what outlives its process. A memory store, and beside it an
// independent account of what a power cut would leave.
class SimDisk : public storage::Store {
 public:
  SimDisk();

  // Store. Never fails: failing is SimStore's part.
  absl::StatusOr<std::optional<std::string>> Get(
      absl::string_view key) const override;
  absl::StatusOr<std::vector<storage::Row>> Scan(
      absl::string_view begin, absl::string_view end, size_t limit,
      storage::ScanOrder order) const override;
  absl::Status Commit(
      const std::vector<storage::Transaction>& transactions) override;
  absl::Status Sync() override;
  absl::Status Recover() override;
  std::unique_ptr<storage::StoreReader> NewSnapshot() const override;

  // What would be left after a power cut now.
  const storage::StoreReader& synced() const { return synced_; }
  // The power is cut. True when that took anything away.
  bool CutPower();
  // Sabotage: a power cut takes the last synced commit along.
  void BreakPromises() { breaks_promises_ = true; }

 private:
  storage::MemoryStore memory_;
  RowsReader synced_;
  RowsReader before_last_sync_;  // kept only for the sabotage
  std::vector<storage::Write> unsynced_;
  bool breaks_promises_ = false;
};

}  // namespace parley::sim

#endif  // TESTS_SIM_SIM_DISK_H_
