#include "daemon/transport/web_socket.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "daemon/base/check.h"
#include "daemon/base/logging.h"

namespace parley::transport {
namespace {

namespace logging = base::logging;

constexpr char kProtocolName[] = "parley";
// Of one read or write. With the default of 4 KiB a large message takes a
// thousand turns of the loop.
constexpr size_t kChunkBytes = 64 * 1024;
// One socket, its proxy, the loop's own descriptors, and some to spare. Without
// a number libwebsockets takes a table as large as the process's descriptor
// limit.
constexpr unsigned kMaxDescriptors = 16;
constexpr int kBackstopSeconds = 30;
// A server may wish what it likes; more than this is a mistake.
constexpr absl::Duration kMaxRetryAfter = absl::Hours(24);

void LogLine(int level, const char* line) {
  logging::Debug("libwebsockets", {{"text", absl::StripAsciiWhitespace(line)}});
}

// Retry-After: seconds, or a date.
std::optional<absl::Duration> ParseRetryAfter(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  absl::Duration delay;
  absl::Time date;
  int64_t seconds = 0;
  if (absl::SimpleAtoi(text, &seconds)) {
    delay = absl::Seconds(seconds);
  } else if (absl::ParseTime("%a, %d %b %Y %H:%M:%S GMT", text, &date,
                             nullptr)) {
    delay = date - absl::Now();
  } else {
    return std::nullopt;
  }
  if (delay < absl::ZeroDuration()) return std::nullopt;
  return std::min(delay, kMaxRetryAfter);
}

// `error` is the errno of a connect() that failed at once. Of one that failed
// later libwebsockets keeps the reason to itself; on this machine there is only
// one.
std::string ConnectFailure(const std::string& peer, bool loopback, int error) {
  switch (error) {
    case ENETUNREACH:
    case EHOSTUNREACH:
      return absl::StrCat("no route to ", peer);
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EACCES:
    case EPERM:
      return absl::StrCat("cannot connect to ", peer, ": ", strerror(error));
    default:
      return absl::StrCat("connection refused by ", peer,
                          loopback ? "" : ", or no route to it");
  }
}

// What has come over a TCP connection so far; 0 for anything else.
uint64_t BytesReceived(int socket) {
  tcp_info info = {};
  socklen_t size = sizeof(info);
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  return info.tcpi_bytes_received;
}

}  // namespace

WebSocket::Timer::Timer(WebSocket* loop, void (*callback)(void*),
                        void* argument)
    : loop_(loop), callback_(callback), argument_(argument) {}

void WebSocket::Timer::Start(absl::Duration delay) {
  lws_sul_schedule(loop_->context_, 0, &entry_, &Timer::Fire,
                   absl::ToInt64Microseconds(delay));
}

void WebSocket::Timer::Stop() { lws_sul_cancel(&entry_); }

void WebSocket::Timer::Fire(lws_sorted_usec_list_t* entry) {
  Timer* const timer = reinterpret_cast<Timer*>(entry);
  timer->callback_(timer->argument_);
  // As in OnDestroyed.
  timer->loop_->Wake();
}

WebSocket::WebSocket(const Options& options, WebSocketListener* listener)
    : options_(options), listener_(listener) {}

absl::StatusOr<std::unique_ptr<WebSocket>> WebSocket::Create(
    const Options& options, WebSocketListener* listener) {
  static const lws_protocols protocols[] = {
      {kProtocolName, &WebSocket::Callback, 0, kChunkBytes, 0, nullptr,
       kChunkBytes},
      ProxyTunnel::kProtocol,
      {nullptr, nullptr, 0, 0, 0, nullptr, 0},
  };
  // Engine.IO has a heartbeat, and its watchdog is the authority; that of
  // libwebsockets is off.
  static const lws_retry_bo_t no_idle_policy = {};
  // Process-wide; every caller sets the same.
  lws_set_log_level(LLL_ERR | LLL_WARN, &LogLine);

  std::unique_ptr<WebSocket> socket(new WebSocket(options, listener));
  absl::StatusOr<std::unique_ptr<TlsClient>> tls =
      TlsClient::Create(options.ca_file);
  if (!tls.ok()) return tls.status();
  socket->tls_ = *std::move(tls);
  lws_context_creation_info info = {};
  info.port = CONTEXT_PORT_NO_LISTEN;
  info.protocols = protocols;
  info.gid = -1;
  info.uid = -1;
  info.user = socket.get();
  info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
  info.provided_client_ssl_ctx = socket->tls_->context();
  info.fd_limit_per_thread = kMaxDescriptors;
  info.retry_and_idle_policy = &no_idle_policy;
  // The deadlines are ours; those of libwebsockets come after them.
  const auto timeout = static_cast<unsigned>(
      absl::ToInt64Seconds(options.handshake_timeout) + kBackstopSeconds);
  info.timeout_secs = timeout;
  info.connect_timeout_secs = timeout;
  // Otherwise $http_proxy would be taken behind our back.
  info.http_proxy_address = "";
  socket->context_ = lws_create_context(&info);
  if (socket->context_ == nullptr) {
    return absl::ResourceExhaustedError(
        "cannot start the network: libwebsockets gave no context");
  }
  socket->deadline_.emplace(
      socket.get(),
      [](void* self) { static_cast<WebSocket*>(self)->OnDeadline(); },
      socket.get());
  socket->answer_timer_.emplace(
      socket.get(),
      [](void* self) { static_cast<WebSocket*>(self)->OnAnswerTimer(); },
      socket.get());
  return socket;
}

WebSocket::~WebSocket() {
  tunnel_.reset();
  answer_timer_.reset();
  deadline_.reset();
  if (context_ != nullptr) lws_context_destroy(context_);
}

void WebSocket::Dial(const Target& target, absl::Duration connect_timeout) {
  PARLEY_CHECK(state_ == State::kIdle);
  state_ = State::kDialling;
  ++dial_;
  wsi_ = nullptr;
  target_ = target;
  end_ = SocketEnd();
  aborted_ = false;
  timed_out_ = false;
  request_sent_ = false;
  failure_.clear();
  outgoing_.clear();
  incoming_.clear();
  incoming_bytes_ = 0;

  lws_client_connect_info info = {};
  info.context = context_;
  info.address = target_.address.c_str();
  info.port = target_.port;
  info.path = target_.path.c_str();
  info.host = target_.host_header.c_str();
  info.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT;
  if (!target_.tls_host.empty()) {
    tls_->Expect(target_.tls_host);
    info.ssl_connection |= LCCSCF_USE_SSL;
    // A WebSocket over HTTP/2 is another protocol.
    info.alpn = "http/1.1";
  }
  info.local_protocol_name = kProtocolName;
  info.ietf_version_or_minus_one = -1;
  info.userdata = reinterpret_cast<void*>(dial_);
  info.pwsi = &wsi_;
  deadline_->Start(connect_timeout);
  errno = 0;
  // It may fail at once, with or without having called back.
  if (lws_client_connect_via_info(&info) == nullptr &&
      state_ != State::kEnded) {
    OnDestroyed();
  }
}

void WebSocket::Send(std::string text) {
  if (state_ != State::kOpen) return;
  outgoing_.push_back(std::move(text));
  lws_callback_on_writable(wsi_);
}

void WebSocket::Abort(std::string reason) {
  if (state_ == State::kIdle || state_ == State::kEnded) return;
  if (!aborted_) end_.reason = std::move(reason);
  aborted_ = true;
  if (state_ == State::kOpen) {
    state_ = State::kClosing;
    deadline_->Start(options_.close_linger);
    lws_callback_on_writable(wsi_);
  } else if (state_ == State::kDialling) {
    state_ = State::kClosing;
    Kill();
  }
}

std::optional<SocketEnd> WebSocket::TakeEnd() {
  if (state_ != State::kEnded) return std::nullopt;
  state_ = State::kIdle;
  return std::move(end_);
}

void WebSocket::Service() {
  errno = 0;
  lws_service(context_, 0);
}

void WebSocket::Wake() { lws_cancel_service(context_); }

void WebSocket::Kill() {
  if (wsi_ == nullptr) return;
  lws_set_timeout(wsi_, PENDING_TIMEOUT_AWAITING_PROXY_RESPONSE,
                  LWS_TO_KILL_ASYNC);
}

int WebSocket::Callback(lws* wsi, lws_callback_reasons reason, void* user,
                        void* in, size_t size) {
  // Also called without a socket, for the loop's own purposes.
  if (user == nullptr) return 0;
  WebSocket* const self =
      static_cast<WebSocket*>(lws_context_user(lws_get_context(wsi)));
  const bool current = reinterpret_cast<uintptr_t>(user) == self->dial_ &&
                       self->state_ != State::kIdle &&
                       self->state_ != State::kEnded;
  if (!current) return 0;
  return self->OnCallback(
      wsi, reason,
      in == nullptr ? absl::string_view()
                    : absl::string_view(static_cast<const char*>(in), size));
}

int WebSocket::OnCallback(lws* wsi, lws_callback_reasons reason,
                          absl::string_view in) {
  switch (reason) {
    case LWS_CALLBACK_WSI_CREATE:
      // What libwebsockets calls a creation is an established TCP connection.
      OnConnected(wsi);
      return 0;
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
      OnRequestSent();
      return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
      OnDialFailed(wsi, in);
      return 0;
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
      if (state_ != State::kDialling) return -1;
      state_ = State::kOpen;
      deadline_->Stop();
      answer_timer_->Stop();
      end_.opened = true;
      listener_->OnSocketOpened();
      return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
      return OnReceive(wsi, in);
    case LWS_CALLBACK_CLIENT_WRITEABLE:
      return OnWritable(wsi);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
      OnPeerClose(in);
      return 0;
    case LWS_CALLBACK_WSI_DESTROY:
      OnDestroyed();
      return 0;
    default:
      return 0;
  }
}

void WebSocket::OnConnected(lws* wsi) {
  end_.reached_peer = true;
  if (state_ != State::kDialling) return;
  deadline_->Start(options_.handshake_timeout);
  if (!target_.tunnel.has_value()) return;
  tunnel_.emplace(*target_.tunnel, [this](const std::string& failure) {
    OnTunnelDone(failure);
  });
  if (!tunnel_->Start(lws_get_vhost(wsi), lws_get_socket_fd(wsi))) {
    OnTunnelDone(absl::StrCat("cannot use the proxy ", target_.tunnel->proxy,
                              ": no descriptor is left"));
  }
}

void WebSocket::OnTunnelDone(const std::string& failure) {
  if (state_ != State::kDialling) return;
  if (!failure.empty()) {
    failure_ = failure;
    Kill();
  } else if (request_sent_) {
    ExpectAnswer();
  }
}

void WebSocket::OnRequestSent() {
  request_sent_ = true;
  if (state_ != State::kDialling) return;
  if (!tunnel_.has_value() || tunnel_->open()) ExpectAnswer();
}

// Over TLS, what comes first need not be the answer.
void WebSocket::ExpectAnswer() {
  if (!target_.tls_host.empty()) return;
  bytes_before_answer_ = BytesReceived(lws_get_socket_fd(wsi_));
  answer_begun_ = false;
  answer_timer_->Start(options_.answer_timeout);
}

// libwebsockets waits for the end of a header line, for as long as it takes.
void WebSocket::OnAnswerTimer() {
  if (state_ != State::kDialling || wsi_ == nullptr) return;
  if (answer_begun_) {
    failure_ = absl::StrCat(Peer(), " did not answer with HTTP");
    Kill();
    return;
  }
  answer_begun_ = BytesReceived(lws_get_socket_fd(wsi_)) > bytes_before_answer_;
  answer_timer_->Start(options_.answer_timeout);
}

void WebSocket::OnDeadline() {
  if (state_ == State::kDialling) timed_out_ = true;
  Kill();
}

void WebSocket::OnDialFailed(lws* wsi, absl::string_view detail) {
  const int error = errno;
  if (timed_out_ || !failure_.empty()) return;
  if (!end_.reached_peer) {
    const std::string& address = target_.address;
    failure_ = ConnectFailure(
        target_.tunnel.has_value() ? absl::StrCat("the proxy ", target_.display)
                                   : target_.display,
        absl::StartsWith(address, "127.") || address == "::1", error);
  } else {
    failure_ = HandshakeFailure(wsi, detail);
  }
}

std::string WebSocket::HandshakeFailure(lws* wsi, absl::string_view detail) {
  if (!target_.tls_host.empty() && !request_sent_) {
    return tls_->failure().empty() ? HungUp() : tls_->failure();
  }
  const unsigned status = lws_http_client_http_response(wsi);
  if (status == 101) {
    return absl::StrCat(Peer(), " sent an invalid WebSocket upgrade (", detail,
                        ")");
  }
  if (status != 0) {
    char retry_after[64];
    if (lws_hdr_copy(wsi, retry_after, sizeof(retry_after),
                     WSI_TOKEN_HTTP_RETRY_AFTER) > 0) {
      end_.retry_after = ParseRetryAfter(retry_after);
    }
    return absl::StrCat("HTTP ", status, " from ", Peer(),
                        " instead of a WebSocket upgrade");
  }
  if (absl::StrContains(detail, "pars") || absl::StrContains(detail, "HS:")) {
    return absl::StrCat(Peer(), " did not answer with HTTP");
  }
  return HungUp();
}

int WebSocket::OnReceive(lws* wsi, absl::string_view bytes) {
  if (state_ != State::kOpen) return 0;
  if (lws_is_first_fragment(wsi)) {
    incoming_.clear();
    incoming_bytes_ = 0;
    incoming_binary_ = lws_frame_is_binary(wsi) != 0;
  }
  incoming_bytes_ += bytes.size();
  if (incoming_bytes_ > options_.max_message_bytes) {
    Abort(absl::StrCat("the server sent a message of more than ",
                       options_.max_message_bytes, " bytes"));
    lws_close_reason(wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, nullptr, 0);
    return -1;
  }
  if (!incoming_binary_) {
    incoming_.append(bytes.data(), bytes.size());
    const size_t rest = lws_remaining_packet_payload(wsi);
    if (incoming_bytes_ + rest <= options_.max_message_bytes) {
      incoming_.reserve(incoming_bytes_ + rest);
    }
  }
  if (!lws_is_final_fragment(wsi)) return 0;
  const size_t total = std::exchange(incoming_bytes_, 0);
  if (incoming_binary_) {
    listener_->OnSocketBinary(total);
  } else {
    listener_->OnSocketText(std::exchange(incoming_, std::string()));
  }
  return 0;
}

void WebSocket::OnPeerClose(absl::string_view payload) {
  if (payload.size() < 2) {
    // A close frame without a code counts as 1005.
    end_.close_code = 1005;
    return;
  }
  end_.close_code =
      static_cast<uint16_t>(static_cast<unsigned char>(payload[0]) << 8 |
                            static_cast<unsigned char>(payload[1]));
  failure_ = absl::Utf8SafeCHexEscape(payload.substr(2));
}

int WebSocket::OnWritable(lws* wsi) {
  if (outgoing_.empty()) {
    if (state_ != State::kClosing) return 0;
    lws_close_reason(wsi, LWS_CLOSE_STATUS_NORMAL, nullptr, 0);
    return -1;
  }
  const std::string text = std::move(outgoing_.front());
  outgoing_.pop_front();
  std::vector<unsigned char> buffer(LWS_PRE + text.size());
  std::memcpy(buffer.data() + LWS_PRE, text.data(), text.size());
  const int written =
      lws_write(wsi, buffer.data() + LWS_PRE, text.size(), LWS_WRITE_TEXT);
  if (written < static_cast<int>(text.size())) return -1;
  listener_->OnSocketWrote(text.size());
  if (!outgoing_.empty() || state_ == State::kClosing) {
    lws_callback_on_writable(wsi);
  }
  return 0;
}

void WebSocket::OnDestroyed() {
  deadline_->Stop();
  answer_timer_->Stop();
  if (end_.reason.empty()) end_.reason = EndReason();
  tunnel_.reset();
  wsi_ = nullptr;
  state_ = State::kEnded;
  // It may be one of libwebsockets' own timers that ended the socket, and those
  // fire before the loop goes to sleep; the owner wants to act first.
  Wake();
}

std::string WebSocket::EndReason() const {
  if (end_.opened) {
    if (end_.close_code == 0) {
      return absl::StrCat("connection to ", Peer(),
                          " lost (1006, no close frame)");
    }
    return absl::StrCat("closed by the server (", end_.close_code,
                        failure_.empty() ? "" : " ", failure_, ")");
  }
  if (!failure_.empty()) return failure_;
  // libwebsockets says nothing when the request cannot be written.
  return timed_out_ || !end_.reached_peer ? Silence() : HungUp();
}

std::string WebSocket::HungUp() const {
  return absl::StrCat(Peer(), " closed the connection during the ", Stage());
}

const char* WebSocket::Stage() const {
  return target_.tls_host.empty() || request_sent_ ? "WebSocket upgrade"
                                                   : "TLS handshake";
}

// Whom we talk to, once TCP is established and the tunnel is open.
std::string WebSocket::Peer() const {
  if (!target_.tunnel.has_value()) return target_.display;
  return absl::StrCat(target_.tunnel->target, " (through the proxy ",
                      target_.tunnel->proxy, ")");
}

// Of a deadline that passed: what was waited for.
std::string WebSocket::Silence() const {
  if (target_.tunnel.has_value() &&
      (!tunnel_.has_value() || !tunnel_->open())) {
    return absl::StrCat("no answer from the proxy ", target_.tunnel->proxy);
  }
  if (!end_.reached_peer) return absl::StrCat("no answer from ", Peer());
  return absl::StrCat(
      Peer(), " accepted the connection but did not answer the ", Stage());
}

}  // namespace parley::transport
