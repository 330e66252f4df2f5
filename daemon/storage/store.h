#ifndef DAEMON_STORAGE_STORE_H_
#define DAEMON_STORAGE_STORE_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace parley::storage {

// Whether a transaction must survive a power cut before anyone may rely on it.
enum class Durability {
  // In the log, in order, but not yet on the disk. For what the server can
  // send again. It survives a kill, not a power cut, until the next sync.
  kRelaxed,
  // On the disk. For what only this device can keep.
  kSync,
};

// One put (with a value) or delete (without).
struct Write {
  std::string key;
  std::optional<std::string> value;
};

// Writes that become visible, and durable, together or not at all.
struct Transaction {
  std::vector<Write> writes;
  Durability durability = Durability::kRelaxed;

  bool empty() const { return writes.empty(); }
};

struct Row {
  std::string key;
  std::string value;
};

enum class ScanOrder { kAscending, kDescending };

// Reads of an ordered map from bytes to bytes. A status that is not OK means
// that the store cannot be trusted (a failed read, a checksum), never that
// something was not found.
class StoreReader {
 public:
  virtual ~StoreReader() = default;

  virtual absl::StatusOr<std::optional<std::string>> Get(
      absl::string_view key) const = 0;

  // The rows with begin <= key < end, at most `limit`, from the lowest key up
  // or from the highest down. An empty `end` means no upper bound.
  virtual absl::StatusOr<std::vector<Row>> Scan(absl::string_view begin,
                                                absl::string_view end,
                                                size_t limit,
                                                ScanOrder order) const = 0;
};

// A durable ordered map. Commit and Sync are called by one thread; reads and
// NewSnapshot by any, at any time.
class Store : public StoreReader {
 public:
  // Applies all of `transactions`, in order, as one unit, with the strongest
  // durability among them. A status that is not OK leaves the outcome unknown:
  // the caller must read the store again before it relies on either.
  // RESOURCE_EXHAUSTED: the disk is full.
  virtual absl::Status Commit(const std::vector<Transaction>& transactions) = 0;

  // Makes everything committed so far survive a power cut.
  virtual absl::Status Sync() = 0;

  // After a commit that failed: makes the store usable again, so that reads say
  // what was kept. Everything that reads show afterwards is on the disk. May be
  // tried again when it fails (the disk is still full, an old snapshot is still
  // held).
  virtual absl::Status Recover() = 0;

  // A view that does not change. It may outlive later commits, not the store.
  virtual std::unique_ptr<StoreReader> NewSnapshot() const = 0;
};

}  // namespace parley::storage

#endif  // DAEMON_STORAGE_STORE_H_
