#ifndef TESTS_INTEGRATION_HARNESS_TCP_PROXY_H_
#define TESTS_INTEGRATION_HARNESS_TCP_PROXY_H_

#include <poll.h>

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"

namespace parley::integration {

// A network between a client and a server on this machine, that does what
// networks do. Its own port stays, so a server may come back on another one.
//
// What a connection meets is decided by the mode at the time:
//
//   kForward   bytes pass, after the delay
//   kFreeze    bytes wait, nobody is told: a cable was pulled. They pass when
//              the mode is kForward again
//   kSwallow   bytes are taken and lost, as by a machine in between that has
//              forgotten the connection; later ones pass again, with a hole
//   kClose     a new connection is accepted and closed at once
//   kSilent    a new connection is accepted and never answered
//   kGarbage   a new connection is sent bytes that are no HTTP
//
// One thread of its own; all methods may be called from any thread.
class TcpProxy {
 public:
  enum class Mode { kForward, kFreeze, kSwallow, kClose, kSilent, kGarbage };

  // Listens on a free port of 127.0.0.1. Ends the process when there is none.
  explicit TcpProxy(int target_port);
  ~TcpProxy();

  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  int port() const { return port_; }

  // For connections from then on.
  void SetTargetPort(int port);
  void SetMode(Mode mode);

  // How long each byte travels, one way; for bytes that are read from then on.
  void SetDelay(absl::Duration delay);

  // Ends all connections: with a reset, as when a machine dies, or politely.
  void CutAll(bool reset = true);

  // Resets the connection that passes so many more bytes to the server, or to
  // the client, right after them. Once.
  void CutAfterBytesToServer(uint64_t bytes);
  void CutAfterBytesToClient(uint64_t bytes);

  struct Stats {
    uint64_t accepted = 0;  // connections so far
    uint64_t open = 0;
    uint64_t bytes_to_server = 0;
    uint64_t bytes_to_client = 0;
    uint64_t bytes_lost = 0;  // swallowed
  };
  Stats stats() const;

  // When each connection that the server accepted began, in order.
  std::vector<absl::Time> reached_server() const;

 private:
  struct Pipe;
  struct Connection;

  void Run();
  std::vector<pollfd> PollSet() const;
  // Brings all that can go on its way, and ends what has ended.
  void Move();
  // Returns whether the connection has ended.
  bool Move(Connection* connection);
  void Accept();
  // Each returns false when the connection is to end.
  bool Read(Pipe* pipe);
  bool Write(Pipe* pipe);
  void End(Connection* connection, bool reset);
  // When the thread must look again although no descriptor is ready.
  int PollTimeoutMs() const;
  void Wake();

  const int listener_;
  int port_ = 0;
  int wake_fd_ = -1;

  mutable std::mutex mutex_;  // all below
  bool stopping_ = false;
  Mode mode_ = Mode::kForward;
  int target_port_;
  absl::Duration delay_;
  bool cut_all_ = false;
  bool cut_with_reset_ = true;
  std::list<std::unique_ptr<Connection>> connections_;
  // Bytes until a cut; unset: UINT64_MAX.
  uint64_t left_to_server_ = UINT64_MAX;
  uint64_t left_to_client_ = UINT64_MAX;
  Stats stats_;
  std::vector<absl::Time> reached_server_;

  std::thread thread_;
};

}  // namespace parley::integration

#endif  // TESTS_INTEGRATION_HARNESS_TCP_PROXY_H_
