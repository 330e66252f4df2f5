#include "daemon/runtime/mailbox.h"

#include <utility>

#include "daemon/model/message.h"

namespace parley::runtime {
size_t EventBytes(const core::Event& event) {
  size_t bytes = sizeof(event);
  if (const auto* text = std::get_if<core::TextReceived>(&event)) {
    bytes += text->text.size();
  } else if (const auto* command = std::get_if<core::Command>(&event)) {
    const auto* send = std::get_if<core::SendMessage>(&command->body);
    if (send != nullptr) bytes += model::ContentBytes(send->content);
  }
  return bytes;
}

// One event always fits, however large.
bool Mailbox::HasRoom(size_t bytes) const {
  return events_ == 0 ||
         (events_ < limits_.max_events && bytes_ + bytes <= limits_.max_bytes);
}

void Mailbox::Push(Mail mail) {
  mail_.push_back(std::move(mail));
  if (mail_.size() == 1) arrived_.Signal();
}

bool Mailbox::TryPost(core::Event event) {
  const size_t bytes = EventBytes(event);
  base::MutexLock lock(&mutex_);
  if (closed_ || !HasRoom(bytes)) return false;
  ++events_;
  bytes_ += bytes;
  Push(std::move(event));
  return true;
}

void Mailbox::Post(core::Event event) {
  const size_t bytes = EventBytes(event);
  base::MutexLock lock(&mutex_);
  while (!closed_ && !HasRoom(bytes)) emptied_.Wait(&mutex_);
  if (closed_) return;
  ++events_;
  bytes_ += bytes;
  Push(std::move(event));
}

void Mailbox::PostCompletion(CommitDone done) {
  base::MutexLock lock(&mutex_);
  Push(std::move(done));
}

void Mailbox::PostCompletion(StoreRecovered recovered) {
  base::MutexLock lock(&mutex_);
  Push(std::move(recovered));
}

void Mailbox::Close() {
  base::MutexLock lock(&mutex_);
  closed_ = true;
  wake_ = true;
  arrived_.Signal();
  emptied_.SignalAll();
}

bool Mailbox::closed() const {
  base::MutexLock lock(&mutex_);
  return closed_;
}

std::deque<Mail> Mailbox::Take(absl::Duration timeout) {
  base::MutexLock lock(&mutex_);
  if (timeout == absl::InfiniteDuration()) {
    while (mail_.empty() && !wake_) arrived_.Wait(&mutex_);
  } else if (mail_.empty() && !wake_) {
    arrived_.WaitFor(&mutex_, timeout);
  }
  wake_ = false;
  events_ = 0;
  bytes_ = 0;
  emptied_.SignalAll();
  return std::exchange(mail_, {});
}

}  // namespace parley::runtime
