#ifndef DAEMON_TRANSPORT_TESTING_SCRIPTED_PEER_H_
#define DAEMON_TRANSPORT_TESTING_SCRIPTED_PEER_H_

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "daemon/base/mutex.h"

namespace parley::transport::testing {

// One WebSocket frame, as it is on the wire.
struct Frame {
  bool final = true;
  uint8_t opcode = 1;  // 0 continuation, 1 text, 2 binary, 8 close, 9 ping
  bool masked = false;
  std::string payload;
};

// The bytes of a frame.
std::string EncodeFrame(const Frame& frame);
// The payload of a close frame.
std::string ClosePayload(uint16_t code, absl::string_view reason);

// The peer's end of one accepted TCP connection: blocking calls, each with a
// deadline, for a script that misbehaves on purpose. The connection is closed
// when the script returns.
class PeerConnection {
 public:
  explicit PeerConnection(int fd);
  ~PeerConnection();

  PeerConnection(const PeerConnection&) = delete;
  PeerConnection& operator=(const PeerConnection&) = delete;

  // Everything up to and including `mark`; empty when the peer closed first.
  std::string ReadUntil(absl::string_view mark);
  // Reads the HTTP request of a client and answers it as a WebSocket server
  // does. Returns the request.
  std::string Upgrade();
  // The next frame of the client, unmasked; none when it closed.
  std::optional<Frame> ReadFrame();

  // False once the peer is gone.
  bool Send(absl::string_view bytes);
  bool SendByteByByte(absl::string_view bytes);
  bool SendText(absl::string_view text);

  // For a script that speaks something else. Nothing was read from it that
  // ReadUntil has not returned, if the client waits for an answer there.
  int descriptor() const { return fd_; }

  // Closes with a RST.
  void Reset();
  // True when the client closes (or resets) within the deadline. What it sends
  // before is dropped.
  bool WaitForClose();
  // Blocks until the peer object is destroyed: says and does nothing.
  void HoldOpen();

 private:
  friend class ScriptedPeer;
  bool Fill();
  void Shutdown();
  void Close();
  // The client has not ended it.
  bool established();

  int fd_;
  std::string buffer_;
  base::Mutex mutex_;
  base::CondVar changed_;
  bool shut_down_ ABSL_GUARDED_BY(mutex_) = false;
};

// The value of Sec-WebSocket-Accept for a request.
std::string AcceptKey(absl::string_view request);

// A TCP listener on a free port of 127.0.0.1 or ::1 that runs a script for each
// connection, each on a thread of its own.
class ScriptedPeer {
 public:
  using Script = std::function<void(PeerConnection*)>;

  explicit ScriptedPeer(Script script, bool ipv6 = false);
  // Ends all connections and waits for their scripts.
  ~ScriptedPeer();

  ScriptedPeer(const ScriptedPeer&) = delete;
  ScriptedPeer& operator=(const ScriptedPeer&) = delete;

  uint16_t port() const { return port_; }
  std::string url() const;
  int accepted() const;
  // The most connections that the client had open at one time, as the kernel
  // knows it: looked at whenever one is accepted.
  int most_at_once() const;

 private:
  struct Session {
    std::unique_ptr<PeerConnection> connection;
    std::thread thread;
  };

  void AcceptAll();

  const Script script_;
  const bool ipv6_;
  int listener_ = -1;
  uint16_t port_ = 0;
  mutable base::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::list<Session> sessions_ ABSL_GUARDED_BY(mutex_);
  int accepted_ ABSL_GUARDED_BY(mutex_) = 0;
  int most_at_once_ ABSL_GUARDED_BY(mutex_) = 0;
  std::thread thread_;
};

// Whether this machine has ::1.
bool HasIpv6();

// A port of 127.0.0.1 that refuses connections, and is nobody else's meanwhile.
class RefusingPort {
 public:
  RefusingPort();
  ~RefusingPort();
  RefusingPort(const RefusingPort&) = delete;
  RefusingPort& operator=(const RefusingPort&) = delete;

  uint16_t port() const { return port_; }

 private:
  int fd_ = -1;
  uint16_t port_ = 0;
};

}  // namespace parley::transport::testing

#endif  // DAEMON_TRANSPORT_TESTING_SCRIPTED_PEER_H_
