#include "daemon/rpc/inbox.h"

#include <grpc/support/time.h>

namespace parley::rpc {

template <typename Put>
void Inbox::Add(Put put) {
  base::MutexLock lock(&mutex_);
  if (closed_) return;
  put(&mail_);
  has_mail_ = true;
  Wake();
}

void Inbox::Wake() {
  if (waking_ || queue_ == nullptr || !has_mail_) return;
  waking_ = true;
  // An alarm that is due already goes straight to the queue.
  alarm_.Set(queue_, gpr_time_0(GPR_CLOCK_MONOTONIC), tag_);
}

void Inbox::AddReply(core::CallId call,
                     absl::StatusOr<core::ReplyBody> result) {
  Add([&](Mail* mail) { mail->replies.emplace_back(call, std::move(result)); });
}

void Inbox::AddFeedAdvanced() {
  Add([](Mail* mail) { mail->feed_advanced = true; });
}

void Inbox::AddStatus(const model::CoreStatus& status) {
  Add([&](Mail* mail) { mail->status = status; });
}

void Inbox::AddStoreStatus(const absl::Status& status) {
  Add([&](Mail* mail) { mail->store = status; });
}

void Inbox::AddDrain() {
  Add([](Mail* mail) { mail->drain = true; });
}

void Inbox::AddClose() {
  Add([](Mail* mail) { mail->close = true; });
}

void Inbox::Attach(grpc::CompletionQueue* queue, void* tag) {
  base::MutexLock lock(&mutex_);
  queue_ = queue;
  tag_ = tag;
  Wake();
}

void Inbox::Detach() {
  base::MutexLock lock(&mutex_);
  closed_ = true;
  queue_ = nullptr;
  mail_ = Mail();
  has_mail_ = false;
}

Inbox::Mail Inbox::Take() {
  base::MutexLock lock(&mutex_);
  waking_ = false;
  has_mail_ = false;
  return std::exchange(mail_, Mail());
}

}  // namespace parley::rpc
