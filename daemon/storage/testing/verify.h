#ifndef DAEMON_STORAGE_TESTING_VERIFY_H_
#define DAEMON_STORAGE_TESTING_VERIFY_H_

#include "absl/status/status.h"
#include "daemon/storage/store.h"

namespace parley::storage {

// DATA_LOSS unless every row can be read and all of them agree: each index row
// leads to its object and each object has its index rows, each live object has
// exactly one row in the change feed, and what is counted is there.
absl::Status VerifyStore(const StoreReader& reader);

// As VerifyStore, and the counters that the core keeps of each room's outbox
// are those of its entries.
absl::Status VerifyStoreAndOutbox(const StoreReader& reader);

}  // namespace parley::storage

#endif  // DAEMON_STORAGE_TESTING_VERIFY_H_
