#ifndef DAEMON_RPC_LISTENER_H_
#define DAEMON_RPC_LISTENER_H_

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/base/mutex.h"
#include "daemon/model/limits.h"
#include "daemon/rpc/connection_refusal.h"
#include "daemon/runtime/unique_fd.h"

namespace parley::rpc {

// A client's process, as the kernel says it was when it connected.
struct Peer {
  pid_t pid = 0;
  uid_t uid = 0;
};

// The socket on which clients reach the daemon. gRPC neither binds nor accepts
// it, because gRPC takes a socket away from a live server, cannot tell clients
// apart, and stops accepting for ever once it ran out of descriptors.
//
//   bind, or a socket of the service manager
//      |
//   accept --> another user's process, or one too many --> refused in words
//      |                                                   (ConnectionRefusal)
//      '-----> handed over under a number of its own, and watched for its end
//
// Only one process holds a path: a lock beside it is taken before the socket is
// touched, and the kernel frees it however the process ends. The lock file
// itself stays, because removing a lock file is a race.
//
// The socket is for this user alone (0600, in a directory made 0700), and so is
// every connection, whatever became of those modes: the kernel names the
// process that connects, and only this user's and root's are handed over.
//
// The accepting thread belongs to this class; everything else may be called
// from any thread.
class Listener {
 public:
  struct Options {
    std::string socket_path;
    int max_connections = model::kMaxClientConnections;
    int max_connections_per_process = model::kMaxConnectionsPerProcess;
    // Users that may connect besides root and this process's own; for tests of
    // refusal, that list alone.
    std::optional<std::vector<uid_t>> allowed_users;
  };

  // Takes the lock and binds. Clients that connect from here on wait for
  // Start. Errors are for a person: FAILED_PRECONDITION when another process
  // serves the path, INVALID_ARGUMENT when it cannot be a socket's.
  static absl::StatusOr<std::unique_ptr<Listener>> Bind(const Options& options);

  // The same around a socket that listens already, from a service manager that
  // keeps it while no daemon runs. It is not removed at the end.
  static absl::StatusOr<std::unique_ptr<Listener>> Adopt(
      runtime::UniqueFd socket, const Options& options);

  // The socket that the service manager passed to this process (LISTEN_PID,
  // LISTEN_FDS), if it did; an error when it passed something else. Clears
  // these variables: children must not think that they are meant.
  static absl::StatusOr<std::optional<runtime::UniqueFd>> TakePassedSocket();

  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Called on the accepting thread with a connected descriptor that is the
  // callee's to close. Its number is not used again for 30,000 connections, so
  // that it names the connection.
  using OnConnection = std::function<void(int fd)>;
  void Start(OnConnection on_connection);

  // Accepts nothing more, and removes the socket. Connections that were handed
  // over stay. Only the first call does something.
  void Stop();

  const std::string& path() const { return path_; }
  int connections() const;
  int max_connections() const { return options_.max_connections; }
  // Who is behind a connection, by gRPC's name of it ("fd:1234").
  std::optional<Peer> FindPeer(const std::string& grpc_peer) const;

 private:
  struct Connection {
    Peer peer;
    runtime::UniqueFd
        watch;  // a duplicate: gRPC tells nobody when a connection ends
  };
  struct Refused {
    runtime::UniqueFd fd;
    ConnectionRefusal refusal;
    int64_t close_at_ms;
  };

  Listener(const Options& options, runtime::UniqueFd socket,
           runtime::UniqueFd lock, std::string owned_path);

  void Run();
  void AcceptAll();
  absl::Status Admit(int fd, Peer* peer) const;
  void HandOver(runtime::UniqueFd fd, const Peer& peer);
  void Refuse(runtime::UniqueFd fd, const absl::Status& reason);
  void ServeRefused(int fd, uint32_t events);
  void CloseOverdueRefused();
  int WaitTimeoutMs() const;
  // Descriptors are used up: takes the waiting connection and drops it, so that
  // the others do not wait for ever and this thread does not spin.
  void DropOne();
  void Watch(int fd, uint32_t events, uint64_t key);

  const Options options_;
  const std::string path_;
  const std::string owned_path_;  // empty: the socket is somebody else's
  const runtime::UniqueFd lock_;
  runtime::UniqueFd socket_;
  runtime::UniqueFd epoll_;
  runtime::UniqueFd stop_;
  runtime::UniqueFd reserve_;
  OnConnection on_connection_;
  std::thread thread_;
  bool stopped_ = false;

  // The accepting thread's own.
  int next_number_ = 0;
  std::map<int, Refused> refused_;  // by descriptor

  mutable base::Mutex mutex_;
  std::map<int, Connection> connections_ ABSL_GUARDED_BY(mutex_);
  std::map<pid_t, int> per_process_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace parley::rpc

#endif  // DAEMON_RPC_LISTENER_H_
