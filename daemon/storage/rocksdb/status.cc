#include "daemon/storage/rocksdb/status.h"

#include "absl/strings/str_cat.h"

namespace parley::storage {

absl::Status ToStatus(const rocksdb::Status& status, absl::string_view what) {
  if (status.ok()) return absl::OkStatus();
  const std::string text = absl::StrCat(what, ": ", status.ToString());
  if (status.IsNoSpace() ||
      status.subcode() == rocksdb::Status::SubCode::kSpaceLimit) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the disk is full; ", text));
  }
  if (status.IsCorruption()) return absl::DataLossError(text);
  if (status.IsIOError() || status.IsBusy() || status.IsTryAgain() ||
      status.IsTimedOut() || status.IsShutdownInProgress() ||
      status.IsIncomplete()) {
    return absl::UnavailableError(text);
  }
  return absl::InternalError(text);
}

}  // namespace parley::storage
