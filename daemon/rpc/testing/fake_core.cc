#include "daemon/rpc/testing/fake_core.h"

#include <variant>

namespace parley::rpc {

void FakeCore::SetScript(Script script) {
  base::MutexLock lock(&mutex_);
  script_ = std::move(script);
}

void FakeCore::SetHolding(bool holding) {
  base::MutexLock lock(&mutex_);
  holding_ = holding;
}

void FakeCore::SetFull(bool full) {
  base::MutexLock lock(&mutex_);
  full_ = full;
}

void FakeCore::Release() {
  std::vector<std::pair<core::CallId, absl::StatusOr<core::ReplyBody>>> held;
  {
    base::MutexLock lock(&mutex_);
    held.swap(held_);
  }
  for (auto& [call, result] : held) clients_->OnReply(call, std::move(result));
}

bool FakeCore::TryPost(core::Event event) {
  const auto& command = std::get<core::Command>(event);
  absl::StatusOr<core::ReplyBody> result = core::ReplyBody(core::Done{});
  {
    base::MutexLock lock(&mutex_);
    if (full_) return false;
    commands_.push_back(command.body);
    if (script_) {
      result = script_(command.body);
    } else if (std::holds_alternative<core::GetStatus>(command.body)) {
      result = core::ReplyBody(core::StatusReply{});
    }
    if (holding_) {
      held_.emplace_back(command.call, std::move(result));
      return true;
    }
  }
  clients_->OnReply(command.call, std::move(result));
  return true;
}

std::vector<core::CommandBody> FakeCore::commands() const {
  base::MutexLock lock(&mutex_);
  return commands_;
}

size_t FakeCore::held() const {
  base::MutexLock lock(&mutex_);
  return held_.size();
}

}  // namespace parley::rpc
