#ifndef DAEMON_TRANSPORT_WEB_SOCKET_H_
#define DAEMON_TRANSPORT_WEB_SOCKET_H_

#include <libwebsockets.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "daemon/transport/proxy_tunnel.h"
#include "daemon/transport/tls_client.h"

namespace parley::transport {

// How a socket ended.
struct SocketEnd {
  bool reached_peer = false;  // TCP was established, if only to the proxy
  bool opened = false;        // the upgrade succeeded
  std::string reason;         // for a person
  uint16_t close_code = 0;    // of the peer's close frame; 0: it sent none
  std::optional<absl::Duration> retry_after;
};

// What a socket tells its owner, from inside WebSocket::Service.
class WebSocketListener {
 public:
  virtual ~WebSocketListener() = default;
  virtual void OnSocketOpened() = 0;
  virtual void OnSocketText(std::string text) = 0;
  virtual void OnSocketBinary(size_t bytes) = 0;
  // A frame of `bytes` was handed to the kernel or to libwebsockets.
  virtual void OnSocketWrote(size_t bytes) = 0;
};

// One WebSocket client connection at a time, over libwebsockets, together with
// the event loop it lives in.
//
//            Dial                upgrade done
//   IDLE ----------> DIALLING ----------------> OPEN
//    ^                  |                        |
//    |                  | Abort, failure         | Abort, failure, peer's close
//    |                  v                        v
//    '--TakeEnd---- ENDED <-------------------- (closing)
//
// libwebsockets reports one and the same failure in several ways, and some
// twice. The destruction of its socket object is the one event that always
// comes, once: only that makes the end. Every callback carries the number of
// the dial it belongs to; those of an older one change nothing.
//
// All methods but Wake belong to the one thread that calls Service.
class WebSocket {
 public:
  struct Options {
    // A longer message ends the connection.
    size_t max_message_bytes = 0;
    // From the TCP connection to the end of the upgrade.
    absl::Duration handshake_timeout = absl::Seconds(30);
    // A server without TLS that has sent something after the upgrade request,
    // but no complete answer, is asked no longer after once to twice this time.
    absl::Duration answer_timeout = absl::Seconds(3);
    // How long Abort waits for the peer's answer to a close frame.
    absl::Duration close_linger = absl::Milliseconds(500);
    // As TlsClient::Create takes it.
    std::string ca_file;
  };

  struct Target {
    std::string address;  // numeric; of the proxy, if there is a tunnel
    uint16_t port = 0;
    std::string host_header;
    std::string path;
    std::string display;   // "127.0.0.1:3101", for reasons
    std::string tls_host;  // whom the certificate must name; empty: no TLS
    std::optional<TunnelRequest> tunnel;
  };

  // The listener must outlive the socket.
  static absl::StatusOr<std::unique_ptr<WebSocket>> Create(
      const Options& options, WebSocketListener* listener);
  ~WebSocket();

  WebSocket(const WebSocket&) = delete;
  WebSocket& operator=(const WebSocket&) = delete;

  // Must be idle. `connect_timeout` is for TCP alone.
  void Dial(const Target& target, absl::Duration connect_timeout);
  // Queues a text message; ignored unless open.
  void Send(std::string text);
  // Ends a socket that is not idle: with a close frame when it is open, after
  // what was queued, else at once. The listener hears no more of it. An empty
  // reason keeps the one that the end itself has.
  void Abort(std::string reason);

  bool idle() const { return state_ == State::kIdle; }
  // The end of the socket, once there is one; the socket is then idle.
  std::optional<SocketEnd> TakeEnd();

  // Waits for something to happen, and handles it. May return for no reason.
  void Service();
  // Makes Service return. From any thread.
  void Wake();

  // A one-shot timer of the loop, for the owner. `callback` runs inside
  // Service.
  class Timer {
   public:
    Timer(WebSocket* loop, void (*callback)(void*), void* argument);
    ~Timer() { Stop(); }
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    void Start(absl::Duration delay);
    void Stop();

   private:
    static void Fire(lws_sorted_usec_list_t* entry);

    // First, so that libwebsockets' pointer to it is one to the timer.
    lws_sorted_usec_list_t entry_ = {};
    WebSocket* const loop_;
    void (*const callback_)(void*);
    void* const argument_;
  };

 private:
  enum class State { kIdle, kDialling, kOpen, kClosing, kEnded };

  WebSocket(const Options& options, WebSocketListener* listener);

  static int Callback(lws* wsi, lws_callback_reasons reason, void* user,
                      void* in, size_t size);
  // The return value is libwebsockets': not 0 closes the socket.
  int OnCallback(lws* wsi, lws_callback_reasons reason, absl::string_view in);
  void OnConnected(lws* wsi);
  void OnTunnelDone(const std::string& failure);
  void OnRequestSent();
  void OnDialFailed(lws* wsi, absl::string_view detail);
  std::string HandshakeFailure(lws* wsi, absl::string_view detail);
  int OnReceive(lws* wsi, absl::string_view bytes);
  void OnPeerClose(absl::string_view payload);
  int OnWritable(lws* wsi);
  void OnDestroyed();
  void OnDeadline();
  void OnAnswerTimer();
  void ExpectAnswer();
  void Kill();
  std::string EndReason() const;
  std::string HungUp() const;
  std::string Silence() const;
  const char* Stage() const;
  std::string Peer() const;

  const Options options_;
  WebSocketListener* const listener_;
  std::unique_ptr<TlsClient> tls_;
  lws_context* context_ = nullptr;

  State state_ = State::kIdle;
  uintptr_t dial_ = 0;  // the number of the current dial
  lws* wsi_ = nullptr;
  Target target_;
  SocketEnd end_;
  bool aborted_ = false;
  bool timed_out_ = false;
  bool request_sent_ = false;  // the upgrade request; TLS is established
  std::string failure_;        // the first one: what follows is its echo
  std::optional<ProxyTunnel> tunnel_;

  std::deque<std::string> outgoing_;
  std::string incoming_;  // the message that is being assembled
  bool incoming_binary_ = false;
  size_t incoming_bytes_ = 0;

  // Runs while dialling and while closing.
  std::optional<Timer> deadline_;
  // Runs while the answer to the upgrade is awaited.
  std::optional<Timer> answer_timer_;
  uint64_t bytes_before_answer_ = 0;
  bool answer_begun_ = false;
};

}  // namespace parley::transport

#endif  // DAEMON_TRANSPORT_WEB_SOCKET_H_
