#include "tests/sim/workload.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/model/change.h"
#include "daemon/storage/queries.h"
#include "tests/sim/token.h"

namespace parley::sim {
namespace {

constexpr size_t kMaxRemembered = 40;

}  // namespace

Workload::Workload(const Options& options, Device* device,
                   const Device::World& world, base::Rng rng)
    : options_(options), device_(device), world_(world), rng_(rng) {
  storage::ChangeFilter everything;
  everything.kinds = model::Only(model::ObjectKind::kMessage) |
                     model::Only(model::ObjectKind::kOutboxEntry) |
                     model::Only(model::ObjectKind::kRoom) |
                     model::Only(model::ObjectKind::kDelivery);
  storage::ChangeFilter one_room;
  one_room.kinds = model::Only(model::ObjectKind::kMessage) |
                   model::Only(model::ObjectKind::kOutboxEntry);
  one_room.room = model::RoomId(options.rooms.front());
  for (const auto& [name, filter] :
       {std::pair("all", everything), std::pair("room", one_room)}) {
    watchers_.push_back(std::make_unique<Watcher>(
        absl::StrCat("watcher ", device->user(), "/", name), filter,
        &device->disk(), world.verdict, world.probes));
  }
}

void Workload::Later(absl::Duration delay, void (Workload::*act)()) {
  world_.scheduler->After(delay, [this, act] { (this->*act)(); });
}

void Workload::Begin() {
  running_ = true;
  for (const std::string& room : options_.rooms) {
    Call(core::JoinRoom{model::RoomId(room)});
  }
  Later(rng_.DurationUpTo(options_.mean_pause * 2), &Workload::Act);
}

void Workload::StayConnected() {
  if (status_.has_value() &&
      status_->connection.state == model::ConnectionState::kStopped) {
    Call(core::Connect{});
  }
}

void Workload::AskStatus() {
  status_.reset();
  Call(core::GetStatus{});
}

void Workload::Act() {
  if (!running_) return;
  Later(rng_.DurationUpTo(options_.mean_pause * 2), &Workload::Act);
  if (!device_->up()) return;
  switch (rng_.Below(24)) {
    case 0:
      return SendBurst();
    case 1:
      return SendAgain(/*other_content=*/false);
    case 2:
      return SendAgain(/*other_content=*/rng_.OneIn(2));
    case 3:
    case 4:
      return CancelOne();
    case 5:
      return RetryOne();
    case 6:
      return ChangeRoom();
    case 7:
      return Call(core::FlushOutbox{});
    case 8:
      return rng_.OneIn(3) ? Call(core::Disconnect{}) : Call(core::Connect{});
    case 9:
      return AskStatus();
    case 10:
      return DisturbWatcher();
    case 11:
      return ResendLost();
    case 12:
      return device_->ChangeNetwork(!rng_.OneIn(3));
    case 13:
      return device_->WakeUp();
    case 15:
      return rng_.OneIn(3) ? Call(core::CancelSync{})
                           : Call(core::StartSync{model::RoomId(SomeRoom()),
                                                  std::nullopt});
    case 14:
      return rng_.OneIn(4) ? Call(core::SignOut{rng_.OneIn(3), false})
                           : GiveToken();
    default:
      return SendOne(SomeRoom());
  }
}

void Workload::Call(core::CommandBody body) {
  if (!device_->up()) return;
  const core::CallId call(++last_call_);
  calls_[call] = body;
  device_->Call(core::Command{call, std::move(body)});
}

std::string Workload::SomeRoom() {
  return options_.rooms[rng_.Below(options_.rooms.size())];
}

core::SendMessage Workload::NewMessage(const std::string& room) {
  const uint64_t number = ++last_message_;
  core::SendMessage send;
  send.room = model::RoomId(room);
  if (!rng_.OneIn(4)) {
    send.client_id =
        model::ClientMessageId(absl::StrCat(device_->user(), "-c", number));
  }
  std::string mark;
  if (options_.marked_messages) {
    const uint64_t draw = rng_.Below(60);
    if (draw < 3) mark = " !forbidden";
    if (draw == 3) mark = " !invalid";
    if (draw == 4) mark = " !poison";
  }
  send.content.text = absl::StrCat(device_->user(), " says ", number, mark);
  if (rng_.OneIn(8)) send.content.metadata["client"] = "sim";
  if (rng_.OneIn(8)) send.content.mentions.emplace_back("carol");
  if (rng_.OneIn(20)) send.content.text += std::string(rng_.Below(400), '.');
  if (rng_.OneIn(12)) {
    send.expire_after = rng_.DurationUpTo(absl::Seconds(40));
  }
  return send;
}

void Workload::SendOne(const std::string& room) {
  if (last_message_ >= options_.max_messages) return;
  core::SendMessage send = NewMessage(room);
  if (sent_.size() < kMaxRemembered) sent_.push_back(send);
  Call(std::move(send));
}

void Workload::SendBurst() {
  const std::string room = SomeRoom();
  const uint64_t count = 1 + rng_.Below(options_.burst);
  for (uint64_t i = 0; i < count; ++i) SendOne(room);
}

void Workload::SendAgain(bool other_content) {
  if (sent_.empty()) return;
  core::SendMessage send = sent_[rng_.Below(sent_.size())];
  if (send.client_id.empty()) return;
  if (other_content) {
    send.content.text =
        absl::StrCat(send.client_id.value(), " misused ", ++last_message_);
  }
  Call(std::move(send));
}

void Workload::CancelOne() {
  if (ids_.empty()) return;
  // The newest are the likeliest to be on their way.
  const size_t back = rng_.Below(std::min<size_t>(ids_.size(), 6));
  Call(core::CancelMessage{
      model::ClientMessageId(ids_[ids_.size() - 1 - back])});
}

void Workload::RetryOne() {
  storage::OutboxFilter filter;
  filter.failed_only = !rng_.OneIn(4);
  const auto page = storage::ListOutbox(device_->disk(), filter, "", 20);
  if (!page.ok()) {
    world_.verdict->Fail("the outbox cannot be listed: ",
                         page.status().ToString());
    return;
  }
  if (page->entries.empty()) return;
  const auto& entry = page->entries[rng_.Below(page->entries.size())];
  if (rng_.OneIn(3)) return Call(core::CancelMessage{entry.client_id});
  Call(core::RetryMessage{entry.client_id});
}

void Workload::ChangeRoom() {
  const model::RoomId room(SomeRoom());
  if (rng_.OneIn(3)) return Call(core::LeaveRoom{room});
  Call(core::JoinRoom{room});
}

// A client whose call was cut off asks again, under the same id.
void Workload::ResendLost() {
  for (core::SendMessage& send : std::exchange(lost_, {})) {
    if (!send.client_id.empty()) Call(std::move(send));
  }
}

void Workload::GiveToken() {
  Call(core::SetCredentials{base::Secret(
      SignToken({{"userId", device_->user()},
                 {"exp", kTokenExpiry},
                 {"jti", absl::StrCat("given ", ++last_token_)}}))});
}

void Workload::DisturbWatcher() {
  Watcher* const watcher = watchers_[rng_.Below(watchers_.size())].get();
  if (rng_.OneIn(4)) {
    watcher->Forget();
  } else {
    watcher->Detach();
  }
  OnFeedAdvanced();
}

void Workload::OnReply(const core::Reply& reply) {
  const core::CommandBody asked = std::move(calls_[reply.call]);
  calls_.erase(reply.call);
  if (!reply.result.ok()) {
    const auto* send = std::get_if<core::SendMessage>(&asked);
    if (send != nullptr && rng_.OneIn(3) &&
        absl::IsFailedPrecondition(reply.result.status())) {
      // Not in the room: somebody who wants to talk goes in again.
      world_.scheduler->After(
          rng_.DurationUpTo(absl::Seconds(1)),
          [this, room = send->room] { Call(core::JoinRoom{room}); });
    }
    return;
  }
  const auto* accepted = std::get_if<core::MessageAccepted>(&*reply.result);
  if (accepted != nullptr) ids_.push_back(accepted->client_id.value());
  const auto* status = std::get_if<core::StatusReply>(&*reply.result);
  if (status != nullptr) status_ = status->status;
}

void Workload::OnFeedAdvanced() {
  if (reading_) return;
  reading_ = true;
  Later(rng_.DurationUpTo(absl::Milliseconds(300)), &Workload::ReadFeeds);
}

void Workload::ReadFeeds() {
  reading_ = false;
  if (!device_->up()) return;
  for (auto& watcher : watchers_) watcher->Read();
}

void Workload::OnDown() {
  for (auto& [call, body] : calls_) {
    auto* send = std::get_if<core::SendMessage>(&body);
    if (send != nullptr) lost_.push_back(std::move(*send));
  }
  calls_.clear();
  for (auto& watcher : watchers_) watcher->Detach();
}

void Workload::OnUp() {
  OnFeedAdvanced();
  if (running_ && rng_.OneIn(2)) {
    Later(rng_.DurationUpTo(absl::Seconds(1)), &Workload::ResendLost);
  }
}

void Workload::CheckWatchers() {
  for (auto& watcher : watchers_) watcher->CheckCaughtUp();
}

}  // namespace parley::sim
