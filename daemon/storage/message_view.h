#ifndef DAEMON_STORAGE_MESSAGE_VIEW_H_
#define DAEMON_STORAGE_MESSAGE_VIEW_H_

#include "absl/status/statusor.h"
#include "daemon/model/change.h"
#include "daemon/storage/store.h"

namespace parley::storage {

// `message` with its delivery, if it is one of the account's own.
absl::StatusOr<model::MessageView> MakeMessageView(const StoreReader& reader,
                                                   model::Message message);

}  // namespace parley::storage

#endif  // DAEMON_STORAGE_MESSAGE_VIEW_H_
