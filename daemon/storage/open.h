#ifndef DAEMON_STORAGE_OPEN_H_
#define DAEMON_STORAGE_OPEN_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "daemon/storage/store.h"

namespace parley::storage {

// The layout of keys.h and records.h. A store with a larger one is refused.
inline constexpr uint32_t kSchemaVersion = 1;

// Makes a store ready for use, whatever engine holds it: a new one gets its
// schema version and `new_store_id`; an old one is checked and migrated. Opens
// a new epoch of the change feed, so that a resume token for changes that a
// crash took away is recognised. One sync commit.
//
// FAILED_PRECONDITION: the schema is newer than this program. DATA_LOSS: a
// record that must be there is damaged. Nothing is deleted in either case.
absl::Status PrepareStore(Store* store, const std::string& new_store_id);

// Opens a new epoch of the change feed: also after a store was recovered while
// the program runs, since that may have taken changes away that were read.
absl::Status StartEpoch(Store* store);

}  // namespace parley::storage

#endif  // DAEMON_STORAGE_OPEN_H_
