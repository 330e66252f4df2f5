#ifndef DAEMON_APP_TOKEN_H_
#define DAEMON_APP_TOKEN_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/base/secret.h"

namespace parley::app {

// A token is a few kilobytes at most; this is what HTTP servers take.
inline constexpr size_t kMaxTokenBytes = 64 * 1024;

// The token in what a file holds or a program printed, without the white space
// around it. FAILED_PRECONDITION, naming `source` and never the content.
absl::StatusOr<base::Secret> ParseToken(absl::string_view text,
                                        absl::string_view source);

struct FileToken {
  base::Secret value;
  // People other than the owner can read the file.
  bool exposed = false;
};

// FAILED_PRECONDITION says what is wrong with the file, or that there is none.
absl::StatusOr<FileToken> ReadTokenFile(const std::string& path);

}  // namespace parley::app

#endif  // DAEMON_APP_TOKEN_H_
