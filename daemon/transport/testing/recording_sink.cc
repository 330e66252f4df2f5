#include "daemon/transport/testing/recording_sink.h"

#include <utility>
#include <variant>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace parley::transport::testing {
namespace {

constexpr absl::Duration kDeadline = absl::Seconds(20);

struct Describe {
  std::string operator()(const core::TransportOpened& event) const {
    return absl::StrCat("opened ", event.connection.value());
  }
  std::string operator()(const core::TextReceived& event) const {
    return absl::StrCat("text ", event.connection.value(), " ", event.text);
  }
  std::string operator()(const core::BinaryReceived& event) const {
    return absl::StrCat("binary ", event.connection.value(), " ", event.bytes,
                        " bytes");
  }
  std::string operator()(const core::TransportClosed& event) const {
    return absl::StrCat("closed ", event.connection.value(), " ", event.reason);
  }
  template <typename Other>
  std::string operator()(const Other&) const {
    return "not an event of a transport";
  }
};

}  // namespace

bool RecordingSink::TryPost(core::Event event) {
  Post(std::move(event));
  return true;
}

void RecordingSink::Post(core::Event event) {
  base::MutexLock lock(&mutex_);
  while (blocked_) changed_.Wait(&mutex_);
  lines_.push_back(std::visit(Describe(), event));
  if (auto* closed = std::get_if<core::TransportClosed>(&event)) {
    last_closed_ = *closed;
  }
  changed_.SignalAll();
}

std::string RecordingSink::WaitFor(const std::string& prefix, size_t from) {
  const absl::Time deadline = absl::Now() + kDeadline;
  base::MutexLock lock(&mutex_);
  while (true) {
    for (size_t i = from; i < lines_.size(); ++i) {
      if (absl::StartsWith(lines_[i], prefix)) return lines_[i];
    }
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) return "";
    changed_.WaitFor(&mutex_, left);
  }
}

bool RecordingSink::WaitForCount(size_t count) {
  const absl::Time deadline = absl::Now() + kDeadline;
  base::MutexLock lock(&mutex_);
  while (lines_.size() < count) {
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) return false;
    changed_.WaitFor(&mutex_, left);
  }
  return true;
}

std::vector<std::string> RecordingSink::lines() const {
  base::MutexLock lock(&mutex_);
  return lines_;
}

core::TransportClosed RecordingSink::last_closed() const {
  base::MutexLock lock(&mutex_);
  return last_closed_;
}

void RecordingSink::Block(bool blocked) {
  base::MutexLock lock(&mutex_);
  blocked_ = blocked;
  changed_.SignalAll();
}

}  // namespace parley::transport::testing
