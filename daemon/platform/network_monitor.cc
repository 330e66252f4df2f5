#include "daemon/platform/network_monitor.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "daemon/base/check.h"
#include "daemon/base/logging.h"
#include "daemon/platform/rtnetlink.h"

namespace parley::platform {
namespace {

namespace logging = base::logging;

constexpr uint32_t kGroups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR |
                             RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
                             RTMGRP_IPV6_ROUTE;
constexpr uint16_t kQuestions[] = {RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE};
// The kernel fills no more, however much it has to say.
constexpr size_t kMaxDatagram = 32 * 1024;
// Before other descriptors have their turn.
constexpr int kMaxDatagramsAtOnce = 64;

std::string Problem(const char* what) {
  return absl::StrCat(what, ": ", std::strerror(errno));
}

absl::Time MonotonicNow() {
  timespec now = {};
  PARLEY_CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
  return absl::TimeFromTimespec(now);
}

}  // namespace

NetworkMonitor::NetworkMonitor(const Options& options, OnChange on_change)
    : options_(options), on_change_(std::move(on_change)) {}

void NetworkMonitor::Start() {
  PARLEY_CHECK(state_ == State::kOff && !told_.has_value());
  if (Open()) StartList();
}

bool NetworkMonitor::Open() {
  socket_.reset(::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
                         NETLINK_ROUTE));
  if (!socket_.valid()) {
    TurnOff(Problem("no netlink socket"));
    return false;
  }
  const int bytes = options_.receive_buffer_bytes;
  if (bytes != 0) {
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
  }
  sockaddr_nl address = {};
  address.nl_family = AF_NETLINK;
  address.nl_groups = kGroups;
  socklen_t size = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(socket_.get(), generic, size) != 0 ||
      ::getsockname(socket_.get(), generic, &size) != 0) {
    TurnOff(Problem("the netlink socket cannot be bound"));
    return false;
  }
  port_ = address.nl_pid;
  timer_.reset(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!timer_.valid()) {
    TurnOff(Problem("no timer"));
    return false;
  }
  return true;
}

void NetworkMonitor::TurnOff(const std::string& problem) {
  logging::Warning(
      "changes of the network cannot be followed; the connection notices them "
      "late",
      {{"problem", problem}});
  socket_.reset();
  timer_.reset();
  state_ = State::kOff;
  if (told_.has_value() && told_->first) return;
  told_.emplace(true, "");
  on_change_(true);
}

void NetworkMonitor::StartList() {
  state_ = State::kListing;
  picture_ = NetworkPicture();
  list_broken_ = false;
  question_ = 0;
  Ask();
}

void NetworkMonitor::Ask() {
  struct {
    nlmsghdr header;
    rtgenmsg body;
  } request = {};
  request.header.nlmsg_len = NLMSG_LENGTH(sizeof(request.body));
  request.header.nlmsg_type = kQuestions[question_];
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.header.nlmsg_seq = ++sequence_;
  request.body.rtgen_family = AF_UNSPEC;
  if (::send(socket_.get(), &request, request.header.nlmsg_len, 0) < 0) {
    TurnOff(Problem("the network cannot be listed"));
  }
}

void NetworkMonitor::Handle() {
  HandleTimer();
  HandleSocket();
}

void NetworkMonitor::HandleTimer() {
  uint64_t expirations;
  if (state_ != State::kSettling ||
      ::read(timer_.get(), &expirations, sizeof(expirations)) < 0) {
    return;
  }
  StartList();
}

void NetworkMonitor::HandleSocket() {
  alignas(nlmsghdr) char buffer[kMaxDatagram];
  for (int i = 0; i < kMaxDatagramsAtOnce && state_ != State::kOff; ++i) {
    sockaddr_nl sender = {};
    iovec part = {buffer, sizeof(buffer)};
    msghdr message = {};
    message.msg_name = &sender;
    message.msg_namelen = sizeof(sender);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    const ssize_t size = ::recvmsg(socket_.get(), &message, 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return;
    if (size < 0 && errno != ENOBUFS) {
      TurnOff(Problem("the netlink socket fails"));
      return;
    }
    if (size < 0 || (message.msg_flags & MSG_TRUNC) != 0) {
      // Something is missing, nobody knows what.
      list_broken_ = true;
      if (state_ != State::kListing) Settle();
      continue;
    }
    // Other processes may write to this socket as well.
    if (sender.nl_pid == 0) HandleDatagram(buffer, static_cast<size_t>(size));
  }
}

void NetworkMonitor::HandleDatagram(const char* data, size_t size) {
  auto left = static_cast<unsigned int>(size);
  for (auto* message = reinterpret_cast<const nlmsghdr*>(data);
       NLMSG_OK(message, left) && state_ != State::kOff;
       message = NLMSG_NEXT(message, left)) {
    const bool is_answer =
        message->nlmsg_seq == sequence_ && message->nlmsg_pid == port_;
    if (is_answer && (message->nlmsg_flags & NLM_F_DUMP_INTR) != 0) {
      list_broken_ = true;
    }
    if (message->nlmsg_type == NLMSG_DONE ||
        message->nlmsg_type == NLMSG_ERROR) {
      if (is_answer && state_ == State::kListing) HandleListEnd(*message);
      continue;
    }
    const std::optional<NetworkChange> change = ParseNetworkChange(*message);
    if (!change.has_value()) continue;
    picture_.Apply(*change);
  }
  if (state_ != State::kWatching && state_ != State::kSettling) return;
  Outlook outlook(picture_.online(), picture_.Ways());
  if (outlook == watched_) return;
  watched_ = std::move(outlook);
  Settle();
}

void NetworkMonitor::HandleListEnd(const nlmsghdr& message) {
  // Both carry 0 or an errno, negative.
  int error = 0;
  if (message.nlmsg_len >= NLMSG_LENGTH(sizeof(error))) {
    std::memcpy(&error, NLMSG_DATA(&message), sizeof(error));
  }
  if (error != 0) {
    errno = -error;
    TurnOff(Problem("the network cannot be listed"));
    return;
  }
  if (++question_ < std::size(kQuestions)) {
    Ask();
  } else {
    FinishList();
  }
}

void NetworkMonitor::FinishList() {
  state_ = State::kWatching;
  watched_ = {picture_.online(), picture_.Ways()};
  if (list_broken_) {
    Settle();
    return;
  }
  if (picture_.is_truncated() && !said_truncated_) {
    said_truncated_ = true;
    logging::Warning(
        "this device has more links, addresses or default routes than are "
        "followed; changes of the others are not noticed");
  }
  if (told_ == watched_) return;
  told_ = watched_;
  on_change_(told_->first);
}

void NetworkMonitor::Settle() {
  const absl::Time now = MonotonicNow();
  if (state_ != State::kSettling) settle_by_ = now + options_.max_settle;
  state_ = State::kSettling;
  // 0 would switch the timer off.
  const absl::Duration wait =
      std::clamp(settle_by_ - now, absl::Nanoseconds(1), options_.settle);
  itimerspec due = {};
  due.it_value = absl::ToTimespec(wait);
  PARLEY_CHECK(::timerfd_settime(timer_.get(), 0, &due, nullptr) == 0);
}

}  // namespace parley::platform
