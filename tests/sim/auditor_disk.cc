// What the device's disk holds, and what the server's log says of it.
#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "daemon/model/limits.h"
#include "daemon/storage/queries.h"
#include "daemon/storage/staged_store.h"
#include "daemon/storage/tables.h"
#include "tests/sim/auditor.h"
#include "tests/sim/describe.h"
#include "tests/sim/server_payload.h"

namespace parley::sim {
namespace {

constexpr model::ObjectKindSet kEverything =
    model::Only(model::ObjectKind::kMessage) |
    model::Only(model::ObjectKind::kOutboxEntry) |
    model::Only(model::ObjectKind::kRoom) |
    model::Only(model::ObjectKind::kDelivery);
// A full count of the rows is made once in so many commits.
constexpr uint64_t kRecountInterval = 16;

}  // namespace

std::optional<model::OutboxEntry> Auditor::Entry(
    const storage::StoreReader& reader, const std::string& client_id) const {
  auto entry =
      storage::GetOutboxEntry(reader, model::ClientMessageId(client_id));
  if (!entry.ok()) {
    verdict_->Fail("the store cannot be read: ", entry.status().ToString());
    return std::nullopt;
  }
  return *std::move(entry);
}

void Auditor::OnApplied() {
  ReadFeed();
  if (++applied_ % kRecountInterval == 0) Recount();
}

void Auditor::OnStoreReopened() {
  connection_ = core::ConnectionId();
  in_flight_.clear();
  feed_ = model::ChangeSeq();
  ReadFeed();
  Recount();
  CheckNothingLost();
}

void Auditor::ReadFeed() {
  storage::ChangeFilter filter;
  filter.kinds = kEverything;
  for (;;) {
    const auto page = storage::ReadChanges(*committed_, feed_, filter,
                                           model::kMaxChangePageBytes);
    if (!page.ok()) {
      verdict_->Fail("the feed cannot be read: ", page.status().ToString());
      return;
    }
    for (const model::Change& change : page->changes) {
      if (const auto* entry = std::get_if<model::OutboxEntry>(&change.object)) {
        OnEntry(*entry);
      }
      const auto* tombstone = std::get_if<model::Tombstone>(&change.object);
      if (tombstone != nullptr &&
          tombstone->kind == model::ObjectKind::kOutboxEntry) {
        OnEntryGone(tombstone->client_id.value());
      }
    }
    feed_ = page->next;
    if (page->at_end) return;
  }
}

void Auditor::OnEntry(const model::OutboxEntry& entry) {
  Send* const message = FindByText(entry.content.text);
  if (message == nullptr || message->room != entry.room.value()) {
    verdict_->Fail("nobody has sent what is queued as ",
                   entry.client_id.value());
    return;
  }
  Learn(message, entry.client_id.value());
  const bool parked = entry.state == model::OutboxState::kFailed;
  if (parked && !message->parked) {
    probes_->Hit(absl::StrCat("park.", FailureName(entry.failure)));
  }
  if (entry.state == model::OutboxState::kAmbiguous) {
    probes_->Hit("device.ambiguous");
  }
  if (entry.sends > 0) message->attempted = true;
  const uint64_t seq = entry.seq.value();
  if (message->seq != seq) OnPlaced(message, seq);
  message->seq = seq;
  message->parked = parked;
  message->gone = false;
}

void Auditor::OnPlaced(Send* message, uint64_t seq) {
  // The commands that may have put it at the tail of its room. Answers come
  // later than the commit that this was read from, so one that did nothing may
  // be among them.
  std::vector<uint64_t> candidates;
  if (message->seq == 0) {
    for (const Post& post : message->posts) {
      if (post.life == life_ && !post.refused) candidates.push_back(post.order);
    }
  } else {
    candidates.assign(message->retries.begin(), message->retries.end());
    probes_->Hit("device.retried");
  }
  if (candidates.empty()) {
    verdict_->Fail("\"", message->text, "\" took place ", seq, " in ",
                   message->room, ", but nobody asked for it");
    return;
  }
  for (const uint64_t position : candidates) {
    if (!Fits(message->room, seq, position)) continue;
    places_[message->room][seq] = position;
    auto& retries = message->retries;
    while (!retries.empty() && retries.front() <= position) retries.pop_front();
    return;
  }
  verdict_->Fail("\"", message->text, "\" has place ", seq, " in ",
                 message->room, ", which is not the order of acceptance");
}

bool Auditor::Fits(const std::string& room, uint64_t seq,
                   uint64_t position) const {
  const auto found = places_.find(room);
  if (found == places_.end()) return true;
  const auto& places = found->second;
  const auto after = places.upper_bound(seq);
  if (after != places.begin() && std::prev(after)->second > position) {
    return false;
  }
  return after == places.end() || position <= after->second;
}

void Auditor::OnEntryGone(const std::string& client_id) {
  Send* const message = FindById(client_id);
  if (message == nullptr || message->gone) return;
  message->gone = true;
  if (!message->cancel_asked &&
      !truth_->EverHad(options_.user, message->text)) {
    verdict_->Fail(client_id, " left the outbox, and the server has it not");
  }
}

void Auditor::CheckNothingLost() {
  for (const auto& [text, message] : sends_) {
    if (!message.accepted || message.cancelled.has_value() ||
        truth_->EverHad(options_.user, text)) {
      continue;
    }
    if (Entry(*committed_, message.client_id).has_value()) continue;
    // The answer to a cancel may be under way, or lost in a crash.
    const auto record = storage::GetSentRecord(
        *committed_, model::ClientMessageId(message.client_id));
    if (message.cancel_asked && record.ok() && record->has_value()) continue;
    verdict_->Fail(message.client_id, " was accepted and is lost");
  }
}

void Auditor::Recount() {
  struct Count {
    uint64_t queued = 0;
    uint64_t failed = 0;
    uint64_t bytes = 0;
    uint64_t lowest = UINT64_MAX;
    uint64_t highest = 0;
  };
  std::map<std::string, Count> counted;
  uint64_t entries = 0;
  uint64_t bytes = 0;
  std::string from;
  do {
    const auto page =
        storage::ListOutbox(*committed_, {}, from, model::kMaxPageSize);
    if (!page.ok()) {
      verdict_->Fail("the outbox cannot be listed: ", page.status().ToString());
      return;
    }
    for (const model::OutboxEntry& entry : page->entries) {
      Count& count = counted[entry.room.value()];
      const bool parked = entry.state == model::OutboxState::kFailed;
      ++(parked ? count.failed : count.queued);
      count.bytes += model::ContentBytes(entry.content);
      if (!parked) count.lowest = std::min(count.lowest, entry.seq.value());
      count.highest = std::max(count.highest, entry.seq.value());
      bytes += model::ContentBytes(entry.content);
      ++entries;
    }
    from = page->next;
  } while (!from.empty());
  if (entries > options_.max_entries || bytes > options_.max_bytes) {
    verdict_->Fail("the outbox holds ", entries, " entries of ", bytes,
                   " bytes, more than is allowed");
  }
  storage::StagedStore staged(committed_);
  auto tables = storage::Tables::Open(&staged);
  const auto rooms =
      tables.ok()
          ? tables->AllOutboxRooms()
          : absl::StatusOr<std::vector<model::OutboxRoom>>(tables.status());
  if (!rooms.ok()) {
    verdict_->Fail("the outbox cannot be read: ", rooms.status().ToString());
    return;
  }
  for (const model::OutboxRoom& room : *rooms) {
    const Count count = std::exchange(counted[room.room.value()], {});
    const bool right =
        room.queued == count.queued && room.failed == count.failed &&
        room.bytes == count.bytes && room.next_seq.value() > count.highest &&
        room.head_seq.value() <= count.lowest;
    if (!right) {
      verdict_->Fail("the counters of ", room.room.value(), " say ",
                     room.queued, " queued, ", room.failed, " failed, ",
                     room.bytes, " bytes; its rows say ", count.queued, ", ",
                     count.failed, ", ", count.bytes);
    }
  }
  for (const auto& [room, count] : counted) {
    if (count.queued + count.failed > 0) {
      verdict_->Fail(room, " has entries, but no counters");
    }
  }
}

void Auditor::OnAppended(const LogEntry& entry, int occurrence) {
  if (entry.link == 0) return;  // adopted from another history
  Send* const message = FindByText(entry.text);
  if (message == nullptr || message->frames.count(entry.link) == 0) {
    verdict_->Fail("the server got what never left: \"", entry.text, "\"");
    return;
  }
  if (message->cancelled == model::CancelOutcome::kCancelled) {
    verdict_->Fail(message->client_id, " is cancelled, and now at the server");
  }
  if (occurrence > 1) {
    // Where repeats are not found, each but one must say that it may be one.
    if (message->flagged_frames < occurrence - 1) {
      verdict_->Fail(message->client_id, " is ", occurrence,
                     " times in the log, and says so only ",
                     message->flagged_frames, " times");
    }
    return;
  }
  const uint64_t seq = message->frames[entry.link];
  // The room has gone on without a message that was parked or cancelled; a
  // frame of it from before may still arrive.
  const bool left_its_place = message->parked || message->seq != seq ||
                              message->cancel_asked || message->gone;
  if (left_its_place) {
    probes_->Hit("server.late_append");
    return;
  }
  uint64_t& last = last_in_log_[entry.room];
  if (seq <= last) {
    verdict_->Fail("\"", entry.text, "\", place ", seq, " in ", entry.room,
                   ", reached the log after place ", last);
  }
  last = std::max(last, seq);
}

void Auditor::CheckStoredMessages() {
  storage::ChangeFilter filter;
  filter.kinds = kEverything;
  const auto page =
      storage::ReadChanges(*committed_, model::ChangeSeq(), filter, SIZE_MAX);
  if (!page.ok()) {
    verdict_->Fail("the feed cannot be read: ", page.status().ToString());
    return;
  }
  for (const model::Change& change : page->changes) {
    const auto* view = std::get_if<model::MessageView>(&change.object);
    if (view == nullptr) continue;
    const model::Message& stored = view->message;
    const bool local =
        stored.id.empty() ||
        absl::StartsWith(stored.id.value(),
                         std::string(model::kLocalMessageIdPrefix));
    if (!local && !truth_->EverHadId(stored.id.value())) {
      verdict_->Fail("message ", stored.id.value(), " never was at the server");
    }
    if (!view->delivery.has_value()) continue;
    const bool at_server = truth_->EverHad(options_.user, stored.content.text);
    const auto entry = Entry(*committed_, stored.client_id.value());
    if (!entry.has_value() && at_server &&
        *view->delivery != model::DeliveryState::kSent) {
      verdict_->Fail(
          stored.client_id.value(),
          " is at the server, but is not shown as sent: ", ChangeValue(change));
    }
    if (entry.has_value() && entry->state == model::OutboxState::kFailed &&
        *view->delivery != model::DeliveryState::kFailed) {
      verdict_->Fail(stored.client_id.value(),
                     " has failed, but is not shown so: ", ChangeValue(change));
    }
  }
}

void Auditor::AtRest() {
  ReadFeed();
  Recount();
  CheckNothingLost();
  CheckStoredMessages();
  for (const auto& [text, message] : sends_) {
    if (message.sent_again && truth_->EverHad(options_.user, text)) {
      probes_->Hit("device.sent_again_and_kept");
    }
  }
  if (!calls_.empty()) {
    verdict_->Fail("call ", calls_.begin()->first.value(),
                   " was never answered");
  }
}

void Auditor::CheckHistory(const std::vector<LogEntry>& log) {
  std::map<std::string, std::vector<const LogEntry*>> rooms;
  for (const LogEntry& entry : log) rooms[entry.room].push_back(&entry);
  for (auto& [name, entries] : rooms) {
    const model::RoomId room(name);
    const auto joined = storage::GetRoom(*committed_, room);
    if (!joined.ok()) {
      verdict_->Fail("the store cannot be read: ", joined.status().ToString());
      return;
    }
    if (!joined->has_value()) continue;
    const auto page = storage::ListMessages(*committed_, room, {}, SIZE_MAX);
    if (!page.ok()) {
      verdict_->Fail("the store cannot be read: ", page.status().ToString());
      return;
    }
    // By text: on a server that does not de-duplicate, two of its messages may
    // be one, which is shown once.
    std::map<std::string, int> kept;
    for (const model::MessageView& view : page->messages) {
      ++kept[view.message.content.text];
    }
    for (const LogEntry* entry : entries) {
      const std::string text = TextMember(entry->event, "content");
      const auto found = kept.find(text);
      const int times = found == kept.end() ? 0 : found->second;
      if (times != 1 && !entry->deleted) {
        verdict_->Fail(entry->message_id, " of ", name,
                       " is in the server's history, and here ", times,
                       " times");
      }
    }
    probes_->Hit("device.history_compared");
  }
}

}  // namespace parley::sim
