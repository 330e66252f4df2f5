#ifndef DAEMON_STORAGE_STAGED_STORE_H_
#define DAEMON_STORAGE_STAGED_STORE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/storage/store.h"

namespace parley::storage {

// The core's view of the store: what is committed, with everything that the
// core has written since laid over it. The core reads its own writes at once,
// while their commit is still on its way.
//
//   Put/Delete --> current transaction --TakeTransaction--> on its way
//                                                              |
//            base store shows it, overlay forgets it <--OnCommitted
//
// The overlay only holds what is not yet confirmed, so it is as large as the
// commit pipeline is deep. Single-threaded.
class StagedStore : public StoreReader {
 public:
  // `base` must outlive this object, and show at least what OnCommitted has
  // confirmed; that it shows more, sooner, does no harm.
  explicit StagedStore(const StoreReader* base) : base_(base) {}

  absl::StatusOr<std::optional<std::string>> Get(
      absl::string_view key) const override;
  absl::StatusOr<std::vector<Row>> Scan(absl::string_view begin,
                                        absl::string_view end, size_t limit,
                                        ScanOrder order) const override;

  void Put(absl::string_view key, std::string value);
  void Delete(absl::string_view key);
  // The current transaction must be on the disk before it is told of.
  void RequireSync() { current_.durability = Durability::kSync; }

  // Ends the current transaction, possibly an empty one. Only non-empty ones
  // get a number: 1, 2, 3 ...
  Transaction TakeTransaction();
  uint64_t last_taken() const { return last_taken_; }

  // Transactions up to this number are visible in the base store.
  void OnCommitted(uint64_t number);

  size_t overlay_keys() const { return overlay_.size(); }

 private:
  struct Staged {
    std::optional<std::string> value;
    uint64_t transaction;  // the last one that wrote the key
    size_t write;          // its place in that transaction
  };

  void Stage(absl::string_view key, std::optional<std::string> value);

  const StoreReader* const base_;
  Transaction current_;
  uint64_t last_taken_ = 0;
  std::map<std::string, Staged, std::less<>> overlay_;
};

}  // namespace parley::storage

#endif  // DAEMON_STORAGE_STAGED_STORE_H_
