#ifndef DAEMON_APP_READ_FILE_H_
#define DAEMON_APP_READ_FILE_H_

#include <sys/types.h>

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "daemon/base/secret.h"

namespace parley::app {

struct FileContent {
  base::Secret bytes;  // wiped from memory with the last copy
  mode_t mode = 0;
};

// A whole file of at most `max_bytes`: a regular one, or a device such as
// /dev/null. Never waits for another process, as opening a pipe would.
// NOT_FOUND when there is none; errors name the file.
absl::StatusOr<FileContent> ReadFile(const std::string& path, size_t max_bytes);

}  // namespace parley::app

#endif  // DAEMON_APP_READ_FILE_H_
