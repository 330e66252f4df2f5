#include "daemon/transport/proxy_tunnel.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace parley::transport {
namespace {

constexpr char kEndOfHead[] = "\r\n\r\n";
// What proxies take themselves is less.
constexpr size_t kMaxAnswerBytes = 16 * 1024;
constexpr size_t kMaxShownBytes = 80;

bool SendAll(int fd, absl::string_view bytes) {
  // The buffer of a new connection holds all that is ever sent here.
  return send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(bytes.size());
}

}  // namespace

std::string ConnectRequest(const TunnelRequest& request) {
  std::string head =
      absl::StrCat("CONNECT ", request.target,
                   " HTTP/1.1\r\nHost: ", request.target, "\r\n");
  if (!request.credentials.empty()) {
    absl::StrAppend(&head, "Proxy-Authorization: Basic ",
                    absl::Base64Escape(request.credentials.Reveal()), "\r\n");
  }
  return head + "\r\n";
}

std::string TunnelRefusal(const TunnelRequest& request,
                          absl::string_view status_line) {
  // "HTTP/1.1 200 Connection established"
  int status = 0;
  const bool is_http = absl::StartsWith(status_line, "HTTP/1.") &&
                       status_line.size() >= 12 && status_line[8] == ' ' &&
                       absl::SimpleAtoi(status_line.substr(9, 3), &status);
  const std::string proxy = absl::StrCat("the proxy ", request.proxy);
  if (!is_http) {
    return absl::StrCat(proxy, " is no HTTP proxy: it answered \"",
                        absl::CHexEscape(status_line.substr(0, kMaxShownBytes)),
                        "\"");
  }
  if (status >= 200 && status < 300) return "";
  const std::string suffix = absl::StrCat(" (HTTP ", status, ")");
  switch (status) {
    case 407:
      return request.credentials.empty()
                 ? absl::StrCat(proxy, " wants a user name and a password",
                                suffix,
                                "; put them into server.proxy: "
                                "http://user:password@host:port")
                 : absl::StrCat(proxy,
                                " does not accept the user name and password "
                                "in server.proxy",
                                suffix);
    case 403:
    case 405:
      return absl::StrCat(proxy, " does not allow a connection to ",
                          request.target, suffix,
                          "; ask whoever runs the proxy");
    case 502:
    case 503:
    case 504:
      return absl::StrCat(proxy, " cannot reach ", request.target, suffix);
    default:
      return absl::StrCat(
          proxy, " refused a connection to ", request.target, ": HTTP ",
          absl::CHexEscape(status_line.substr(9, kMaxShownBytes)));
  }
}

const lws_protocols ProxyTunnel::kProtocol = {
    "parley-proxy", &ProxyTunnel::Callback, 0, 0, 0, nullptr, 0};

ProxyTunnel::ProxyTunnel(TunnelRequest request, Done done)
    : request_(std::move(request)), done_(std::move(done)) {}

ProxyTunnel::~ProxyTunnel() {
  if (waiting_ >= 0) close(waiting_);
  if (wsi_ == nullptr) return;
  lws_set_opaque_user_data(wsi_, nullptr);
  lws_set_timeout(wsi_, PENDING_TIMEOUT_AWAITING_PROXY_RESPONSE,
                  LWS_TO_KILL_ASYNC);
}

bool ProxyTunnel::Start(lws_vhost* vhost, int socket) {
  socket_ = socket;
  proxy_ = fcntl(socket, F_DUPFD_CLOEXEC, 0);
  if (proxy_ < 0) return false;
  lws_sock_file_fd_type descriptor;
  descriptor.filefd = proxy_;
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                 pair) != 0) {
    close(proxy_);
    return false;
  }
  waiting_ = pair[1];
  const bool swapped = dup3(pair[0], socket_, O_CLOEXEC) >= 0;
  close(pair[0]);
  if (!swapped || !SendAll(proxy_, ConnectRequest(request_))) {
    close(proxy_);
    return false;
  }
  // From here on proxy_ is closed by libwebsockets, also when this fails.
  wsi_ = lws_adopt_descriptor_vhost(vhost, LWS_ADOPT_RAW_FILE_DESC, descriptor,
                                    kProtocol.name, nullptr);
  if (wsi_ == nullptr) return false;
  lws_set_opaque_user_data(wsi_, this);
  return true;
}

int ProxyTunnel::Callback(lws* wsi, lws_callback_reasons reason, void*, void*,
                          size_t) {
  auto* const self =
      wsi == nullptr ? nullptr
                     : static_cast<ProxyTunnel*>(lws_get_opaque_user_data(wsi));
  if (self == nullptr) return 0;
  if (reason == LWS_CALLBACK_RAW_RX_FILE) return self->OnReadable();
  if (reason == LWS_CALLBACK_RAW_CLOSE_FILE) {
    self->Finish(absl::StrCat("the proxy ", self->request_.proxy,
                              " closed the connection without an answer"));
  }
  return 0;
}

int ProxyTunnel::OnReadable() {
  std::string failure;
  if (!ReadAnswer(&failure)) return failure.empty() ? 0 : Finish(failure);
  failure = TunnelRefusal(request_, answer_.substr(0, answer_.find("\r\n")));
  return Finish(failure.empty() ? HandOver() : failure);
}

bool ProxyTunnel::ReadAnswer(std::string* failure) {
  char chunk[4096];
  const ssize_t size = recv(proxy_, chunk, sizeof(chunk), MSG_PEEK);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (size <= 0) {
    *failure = absl::StrCat("the proxy ", request_.proxy,
                            " closed the connection without an answer");
    return false;
  }
  // What follows the head belongs to the server's side of the tunnel.
  const size_t before = answer_.size();
  answer_.append(chunk, static_cast<size_t>(size));
  const size_t end = answer_.find(kEndOfHead);
  const bool complete = end != std::string::npos;
  if (complete) answer_.resize(end + sizeof(kEndOfHead) - 1);
  recv(proxy_, chunk, answer_.size() - before, 0);
  if (complete) return true;
  const absl::string_view start(answer_);
  if (!absl::StartsWith("HTTP/1.", start.substr(0, 7))) {
    *failure = TunnelRefusal(request_, start.substr(0, start.find('\r')));
  } else if (answer_.size() > kMaxAnswerBytes) {
    *failure =
        absl::StrCat("the proxy ", request_.proxy, " answered with more than ",
                     kMaxAnswerBytes, " bytes of headers");
  }
  return false;
}

std::string ProxyTunnel::HandOver() {
  char chunk[4096];
  while (true) {
    const ssize_t size = recv(waiting_, chunk, sizeof(chunk), 0);
    if (size <= 0) break;
    if (!SendAll(proxy_, {chunk, static_cast<size_t>(size)})) {
      return absl::StrCat("the proxy ", request_.proxy,
                          " closed the connection after its answer");
    }
  }
  if (dup3(proxy_, socket_, O_CLOEXEC) < 0) {
    return absl::StrCat("cannot use the connection to the proxy ",
                        request_.proxy);
  }
  close(std::exchange(waiting_, -1));
  open_ = true;
  return "";
}

int ProxyTunnel::Finish(const std::string& failure) {
  // The watcher closes itself now, and knows us no longer.
  lws_set_opaque_user_data(wsi_, nullptr);
  wsi_ = nullptr;
  done_(failure);
  return -1;
}

}  // namespace parley::transport
