#ifndef DAEMON_RPC_SOCKET_PATH_H_
#define DAEMON_RPC_SOCKET_PATH_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "daemon/runtime/unique_fd.h"

// How the listener gets its socket: by binding a path, or from a service
// manager. Errors are for a person.
namespace parley::rpc {

struct BoundSocket {
  runtime::UniqueFd socket;  // listens, non-blocking
  runtime::UniqueFd lock;    // holds the path while it is open
};

// Takes the lock beside `path`, removes a socket that nobody serves, binds and
// listens. What is at the path and is no socket, or is served, is left alone.
absl::StatusOr<BoundSocket> BindSocketPath(const std::string& path);

// See Listener::TakePassedSocket.
absl::StatusOr<std::optional<runtime::UniqueFd>> TakePassedSocket();

// The path that a Unix socket is bound to; empty when it has none.
std::string LocalPath(int socket);

}  // namespace parley::rpc

#endif  // DAEMON_RPC_SOCKET_PATH_H_
