#ifndef CLIENTS_CPP_SOCKET_PATH_H_
#define CLIENTS_CPP_SOCKET_PATH_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace parley::client {

// The profile of a daemon that was started without one.
inline constexpr absl::string_view kDefaultProfile = "default";

// Where the daemon of a profile listens:
// $XDG_RUNTIME_DIR/parley/<profile>.sock.
//
// INVALID_ARGUMENT: `profile` is no profile's name (1 to 64 of letters,
// digits, '.', '_' and '-', the first no '.' and no '-').
// FAILED_PRECONDITION: `xdg_runtime_dir`, the variable's value, is empty or
// not absolute, so that no profile has a socket.
absl::StatusOr<std::string> ProfileSocketPath(
    absl::string_view profile, absl::string_view xdg_runtime_dir);

// INVALID_ARGUMENT when no Unix socket can have this path: it is empty, longer
// than 107 bytes, or has a NUL.
absl::Status ValidateSocketPath(absl::string_view path);

// Connects to the path, disconnects, and says in words why nobody can be
// reached there. It takes no time, so call it to explain a failed call.
//
// OK: somebody listens, who need not be a daemon.
// INVALID_ARGUMENT: see ValidateSocketPath; or a file that is no socket.
// NOT_FOUND: there is nothing at the path.
// UNAVAILABLE: a socket is left over, nobody listens.
// PERMISSION_DENIED: this user may not connect.
absl::Status ProbeSocket(absl::string_view path);

}  // namespace parley::client

#endif  // CLIENTS_CPP_SOCKET_PATH_H_
