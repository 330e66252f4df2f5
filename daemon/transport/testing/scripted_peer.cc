#include "daemon/transport/testing/scripted_peer.h"

#include <arpa/inet.h>
#include <libwebsockets.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "daemon/base/check.h"

namespace parley::transport::testing {
namespace {

// Nothing on one machine takes this long; a test that waits longer has failed.
constexpr int kDeadlineMs = 20000;

// A free port, taken and not listened to; -1 without such an address.
int Bind(bool ipv6, uint16_t* port) {
  const int fd =
      socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_storage address = {};
  auto* const v4 = reinterpret_cast<sockaddr_in*>(&address);
  auto* const v6 = reinterpret_cast<sockaddr_in6*>(&address);
  if (ipv6) {
    v6->sin6_family = AF_INET6;
    v6->sin6_addr = in6addr_loopback;
  } else {
    v4->sin_family = AF_INET;
    v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
  socklen_t size = ipv6 ? sizeof(*v6) : sizeof(*v4);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0) {
    close(fd);
    return -1;
  }
  PARLEY_CHECK(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) ==
               0);
  *port = ntohs(ipv6 ? v6->sin6_port : v4->sin_port);
  return fd;
}

}  // namespace

std::string EncodeFrame(const Frame& frame) {
  std::string bytes;
  bytes += static_cast<char>((frame.final ? 0x80 : 0) | frame.opcode);
  const int mask_bit = frame.masked ? 0x80 : 0;
  const size_t size = frame.payload.size();
  if (size < 126) {
    bytes += static_cast<char>(mask_bit | static_cast<int>(size));
  } else {
    const int width = size < 65536 ? 2 : 8;
    bytes += static_cast<char>(mask_bit | (width == 2 ? 126 : 127));
    for (int i = width - 1; i >= 0; --i) {
      bytes += static_cast<char>(static_cast<uint64_t>(size) >> (8 * i));
    }
  }
  if (!frame.masked) return bytes + frame.payload;
  const absl::string_view mask = "\x12\x34\x56\x78";
  bytes.append(mask.data(), mask.size());
  for (size_t i = 0; i < size; ++i) {
    bytes += static_cast<char>(frame.payload[i] ^ mask[i % 4]);
  }
  return bytes;
}

std::string ClosePayload(uint16_t code, absl::string_view reason) {
  std::string payload;
  payload += static_cast<char>(code >> 8);
  payload += static_cast<char>(code & 0xff);
  return payload + std::string(reason);
}

std::string AcceptKey(absl::string_view request) {
  std::string key;
  for (absl::string_view line : absl::StrSplit(request, "\r\n")) {
    const std::pair<absl::string_view, absl::string_view> field =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (absl::AsciiStrToLower(field.first) == "sec-websocket-key") {
      key = std::string(absl::StripAsciiWhitespace(field.second));
    }
  }
  key += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[20];
  lws_SHA1(reinterpret_cast<const unsigned char*>(key.data()), key.size(),
           digest);
  char encoded[64];
  lws_b64_encode_string(reinterpret_cast<const char*>(digest), sizeof(digest),
                        encoded, sizeof(encoded));
  return encoded;
}

PeerConnection::PeerConnection(int fd) : fd_(fd) {
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

PeerConnection::~PeerConnection() {
  if (fd_ >= 0) close(fd_);
}

bool PeerConnection::Fill() {
  pollfd poller = {fd_, POLLIN, 0};
  if (fd_ < 0 || poll(&poller, 1, kDeadlineMs) <= 0) return false;
  char chunk[4096];
  const ssize_t size = recv(fd_, chunk, sizeof(chunk), 0);
  if (size <= 0) return false;
  buffer_.append(chunk, static_cast<size_t>(size));
  return true;
}

std::string PeerConnection::ReadUntil(absl::string_view mark) {
  while (true) {
    const size_t at = buffer_.find(std::string(mark));
    if (at != std::string::npos) {
      std::string result = buffer_.substr(0, at + mark.size());
      buffer_.erase(0, at + mark.size());
      return result;
    }
    if (!Fill()) return "";
  }
}

std::string PeerConnection::Upgrade() {
  std::string request = ReadUntil("\r\n\r\n");
  Send(
      absl::StrCat("HTTP/1.1 101 Switching Protocols\r\n"
                   "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Accept: ",
                   AcceptKey(request), "\r\n\r\n"));
  return request;
}

std::optional<Frame> PeerConnection::ReadFrame() {
  auto have = [this](size_t size) {
    while (buffer_.size() < size) {
      if (!Fill()) return false;
    }
    return true;
  };
  auto byte = [this](size_t i) { return static_cast<uint8_t>(buffer_[i]); };
  if (!have(2)) return std::nullopt;
  Frame frame;
  frame.final = (byte(0) & 0x80) != 0;
  frame.opcode = byte(0) & 0x0f;
  frame.masked = (byte(1) & 0x80) != 0;
  uint64_t size = byte(1) & 0x7f;
  size_t at = 2;
  const size_t width = size == 126 ? 2 : size == 127 ? 8 : 0;
  if (!have(at + width)) return std::nullopt;
  if (width > 0) size = 0;
  for (size_t i = 0; i < width; ++i) size = size << 8 | byte(at++);
  const size_t mask = at;
  if (frame.masked) at += 4;
  if (!have(at + size)) return std::nullopt;
  for (size_t i = 0; i < size; ++i) {
    char c = buffer_[at + i];
    if (frame.masked) c = static_cast<char>(c ^ buffer_[mask + i % 4]);
    frame.payload += c;
  }
  buffer_.erase(0, at + size);
  return frame;
}

bool PeerConnection::Send(absl::string_view bytes) {
  while (!bytes.empty()) {
    pollfd poller = {fd_, POLLOUT, 0};
    if (fd_ < 0 || poll(&poller, 1, kDeadlineMs) <= 0) return false;
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

bool PeerConnection::SendByteByByte(absl::string_view bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (!Send(bytes.substr(i, 1))) return false;
  }
  return true;
}

bool PeerConnection::SendText(absl::string_view text) {
  Frame frame;
  frame.payload = std::string(text);
  return Send(EncodeFrame(frame));
}

void PeerConnection::Reset() {
  const linger now = {1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  Close();
}

void PeerConnection::Close() {
  base::MutexLock lock(&mutex_);
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

bool PeerConnection::established() {
  base::MutexLock lock(&mutex_);
  tcp_info info = {};
  socklen_t size = sizeof(info);
  return fd_ >= 0 &&
         getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
         info.tcpi_state == TCP_ESTABLISHED;
}

bool PeerConnection::WaitForClose() {
  pollfd poller = {fd_, POLLIN, 0};
  while (poll(&poller, 1, kDeadlineMs) > 0) {
    char chunk[4096];
    if (recv(fd_, chunk, sizeof(chunk), 0) <= 0) return true;
  }
  return false;
}

void PeerConnection::HoldOpen() {
  base::MutexLock lock(&mutex_);
  while (!shut_down_) changed_.Wait(&mutex_);
}

void PeerConnection::Shutdown() {
  base::MutexLock lock(&mutex_);
  shut_down_ = true;
  changed_.SignalAll();
  if (fd_ >= 0) shutdown(fd_, SHUT_RDWR);
}

ScriptedPeer::ScriptedPeer(Script script, bool ipv6)
    : script_(std::move(script)), ipv6_(ipv6) {
  listener_ = Bind(ipv6, &port_);
  PARLEY_CHECK(listen(listener_, 64) == 0);
  thread_ = std::thread([this] { AcceptAll(); });
}

ScriptedPeer::~ScriptedPeer() {
  std::list<Session> sessions;
  {
    base::MutexLock lock(&mutex_);
    stopping_ = true;
    for (Session& session : sessions_) session.connection->Shutdown();
    sessions.swap(sessions_);
  }
  shutdown(listener_, SHUT_RDWR);  // makes accept return
  thread_.join();
  close(listener_);
  for (Session& session : sessions) session.thread.join();
}

std::string ScriptedPeer::url() const {
  return absl::StrCat("http://", ipv6_ ? "[::1]:" : "127.0.0.1:", port_);
}

int ScriptedPeer::accepted() const {
  base::MutexLock lock(&mutex_);
  return accepted_;
}

int ScriptedPeer::most_at_once() const {
  base::MutexLock lock(&mutex_);
  return most_at_once_;
}

void ScriptedPeer::AcceptAll() {
  while (true) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    base::MutexLock lock(&mutex_);
    if (fd < 0 || stopping_) {
      if (fd >= 0) close(fd);
      return;
    }
    ++accepted_;
    int open = 1;
    for (Session& session : sessions_) {
      if (session.connection->established()) ++open;
    }
    most_at_once_ = std::max(most_at_once_, open);
    Session& session = sessions_.emplace_back();
    session.connection = std::make_unique<PeerConnection>(fd);
    session.thread = std::thread([this, peer = session.connection.get()] {
      script_(peer);
      peer->Close();
    });
  }
}

bool HasIpv6() {
  uint16_t port = 0;
  const int fd = Bind(true, &port);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

RefusingPort::RefusingPort() {
  fd_ = Bind(false, &port_);
  PARLEY_CHECK(fd_ >= 0);
}

RefusingPort::~RefusingPort() { close(fd_); }

}  // namespace parley::transport::testing
