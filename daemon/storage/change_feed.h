#ifndef DAEMON_STORAGE_CHANGE_FEED_H_
#define DAEMON_STORAGE_CHANGE_FEED_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/model/change.h"
#include "daemon/storage/records.h"
#include "daemon/storage/staged_store.h"
#include "daemon/storage/store.h"

namespace parley::storage {

// The writing side of the change feed. Each live object has exactly one row,
// keyed by the store-wide sequence of its last change, and names that sequence
// itself; a change moves the row to the end:
//
//   seq    1        2        3        4        5
//          room A   msg 1    msg 2
//          room A            msg 2    msg 1             msg 1 changed
//          room A                     msg 1    -msg 2   msg 2 removed
//
// A removal leaves a tombstone row. Tombstones are kept up to a number; then
// the oldest goes and `floor` rises to it: who has read less far than that has
// to begin anew. Single-threaded.
class ChangeFeed {
 public:
  // Reads the feed's end. `staged` must outlive this object.
  static absl::StatusOr<ChangeFeed> Open(StagedStore* staged,
                                         uint64_t max_tombstones);

  // The object under `key`, whose last change was `previous` (0: it is new),
  // changes. Returns what the object must be stored with.
  model::ChangeSeq Record(model::ChangeSeq previous, absl::string_view key);
  // The object whose last change was `previous` is removed.
  absl::Status RecordRemoval(model::ChangeSeq previous,
                             const model::Tombstone& tombstone);

  model::ChangeSeq last() const { return last_; }

 private:
  ChangeFeed(StagedStore* staged, uint64_t max_tombstones,
             model::ChangeSeq last, const FeedState& state)
      : staged_(staged),
        max_tombstones_(max_tombstones),
        last_(last),
        state_(state) {}

  absl::Status ForgetOldTombstones();

  StagedStore* staged_;
  uint64_t max_tombstones_;
  model::ChangeSeq last_;
  FeedState state_;
};

// The last change that a reader shows; 0 if there was none.
absl::StatusOr<model::ChangeSeq> ReadLastChange(const StoreReader& reader);
absl::StatusOr<FeedState> ReadFeedState(const StoreReader& reader);
// Oldest first, at least one.
absl::StatusOr<std::vector<FeedEpoch>> ReadFeedEpochs(
    const StoreReader& reader);

}  // namespace parley::storage

#endif  // DAEMON_STORAGE_CHANGE_FEED_H_
