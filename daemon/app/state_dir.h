#ifndef DAEMON_APP_STATE_DIR_H_
#define DAEMON_APP_STATE_DIR_H_

#include <string>

#include "absl/status/statusor.h"

namespace parley::app {

// Makes the directory, and what is missing above it, for this user alone. One
// that exists is narrowed to that; returns whether it had to be.
// FAILED_PRECONDITION says what is in the way.
absl::StatusOr<bool> MakePrivateDirectory(const std::string& path);

}  // namespace parley::app

#endif  // DAEMON_APP_STATE_DIR_H_
