#ifndef CLIENTS_CLI_SYNC_TEXT_H_
#define CLIENTS_CLI_SYNC_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "clients/cli/output.h"
#include "parley/v1/sync.pb.h"

// A catch-up in words.
namespace parley::cli {

// What began it: "a connect".
absl::string_view DescribeTrigger(v1::SyncTrigger trigger);

// "42 %, 10 of 50 rooms, 1 failed, 1200 messages".
std::string DescribeSyncProgress(const v1::SyncState& state);

// The same after "running", or after how it ended and before why.
Cell DescribeSync(const v1::SyncState& state);

// It ended without having read every room to its end.
bool HasLeftSomething(const v1::SyncState& state);

}  // namespace parley::cli

#endif  // CLIENTS_CLI_SYNC_TEXT_H_
