#ifndef DAEMON_TRANSPORT_PROXY_TUNNEL_H_
#define DAEMON_TRANSPORT_PROXY_TUNNEL_H_

#include <libwebsockets.h>

#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "daemon/base/secret.h"

namespace parley::transport {

// Whom to ask for a tunnel, and whereto.
struct TunnelRequest {
  std::string proxy;   // "proxy.example:3128", for people
  std::string target;  // "chat.example:443"
  base::Secret credentials;
};

// The head of the request, and what the status line of an answer means: empty
// for a tunnel that is open, else the reason for a person.
std::string ConnectRequest(const TunnelRequest& request);
std::string TunnelRefusal(const TunnelRequest& request,
                          absl::string_view status_line);

// Makes the TCP connection that libwebsockets opened to a proxy one to the
// server. libwebsockets can do that itself, but takes a name of 200 bytes at
// most and an answer of one packet only, and tells nobody what it was.
//
// libwebsockets speaks at once once it is connected, so it gets one end of a
// socket pair under the number of its own socket, and waits there for an answer
// while the tunnel is asked for:
//
//   asking   lws <-> [socket number] <-> waiting_      proxy_ <-> proxy
//   open     lws <-> [socket number] <-> proxy -> server
//
// Then what it said is sent on, and it has its own socket again. Lives in the
// loop of libwebsockets, on its thread.
class ProxyTunnel {
 public:
  // `done` is called once from the loop, after Start has returned: with an
  // empty string when the tunnel is open, else with why it is not. It must not
  // destroy the tunnel.
  using Done = std::function<void(const std::string& failure)>;

  // `socket` is connected to the proxy. The tunnel must be gone before the
  // socket is closed, or right after. `protocol` names kProtocol in the
  // context.
  ProxyTunnel(TunnelRequest request, Done done);
  ~ProxyTunnel();

  ProxyTunnel(const ProxyTunnel&) = delete;
  ProxyTunnel& operator=(const ProxyTunnel&) = delete;

  // False when this machine has no descriptors left. Once.
  bool Start(lws_vhost* vhost, int socket);
  bool open() const { return open_; }

  // To be listed in the context's protocols.
  static const lws_protocols kProtocol;

 private:
  static int Callback(lws* wsi, lws_callback_reasons reason, void* user,
                      void* in, size_t size);
  // Not 0 when the proxy's descriptor is needed no longer.
  int OnReadable();
  // True once the head of the answer is complete, and taken off the socket.
  bool ReadAnswer(std::string* failure);
  std::string HandOver();
  int Finish(const std::string& failure);

  const TunnelRequest request_;
  const Done done_;
  lws* wsi_ = nullptr;  // watches proxy_
  int socket_ = -1;     // libwebsockets' own
  int proxy_ = -1;      // belongs to wsi_
  int waiting_ = -1;
  std::string answer_;
  bool open_ = false;
};

}  // namespace parley::transport

#endif  // DAEMON_TRANSPORT_PROXY_TUNNEL_H_
