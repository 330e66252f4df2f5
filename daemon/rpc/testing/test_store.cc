#include "daemon/rpc/testing/test_store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "daemon/base/check.h"
#include "daemon/storage/open.h"

namespace parley::rpc {
namespace {

const base::WallTime kNow = absl::FromUnixSeconds(1700000000);

}  // namespace

TestStore::TestStore(const std::string& store_id) {
  PARLEY_CHECK(storage::PrepareStore(&store_, store_id).ok());
  staged_.emplace(&store_);
  tables_ = *storage::Tables::Open(&*staged_);
  Write([](storage::Tables& tables) {
    tables.PutBinding({"ws://server", model::UserId("alice")});
  });
}

void TestStore::Reopen() {
  PARLEY_CHECK(storage::PrepareStore(&store_, "unused").ok());
  staged_.emplace(&store_);
  tables_ = *storage::Tables::Open(&*staged_);
}

absl::StatusOr<std::unique_ptr<storage::StoreReader>> TestStore::NewSnapshot() {
  base::MutexLock lock(&mutex_);
  if (!down_.ok()) return down_;
  return store_.NewSnapshot();
}

void TestStore::SetDown(const absl::Status& status) {
  base::MutexLock lock(&mutex_);
  down_ = status;
}

void TestStore::Write(const std::function<void(storage::Tables&)>& write) {
  write(*tables_);
  const storage::Transaction transaction = staged_->TakeTransaction();
  PARLEY_CHECK(store_.Commit({transaction}).ok());
  staged_->OnCommitted(staged_->last_taken());
}

void TestStore::PutRoom(const std::string& name, model::JoinState join_state) {
  Write([&](storage::Tables& tables) {
    model::Room room;
    room.room = model::RoomId(name);
    room.joined_at = kNow;
    room.join_state = join_state;
    PARLEY_CHECK(tables.PutRoom(&room).ok());
  });
}

void TestStore::PutMessage(const std::string& room, uint64_t room_seq,
                           const std::string& text) {
  Write([&](storage::Tables& tables) {
    model::Message message;
    message.room = model::RoomId(room);
    message.id = model::MessageId(absl::StrCat(room, "-", room_seq));
    message.sender = model::UserId("bob");
    message.content.text = text;
    message.sent_at = kNow + absl::Seconds(room_seq);
    message.room_seq = room_seq;
    PARLEY_CHECK(tables.PutMessage(&message, std::nullopt).ok());
  });
}

void TestStore::PutQueued(const std::string& room, const std::string& client_id,
                          const std::string& text) {
  Write([&](storage::Tables& tables) {
    const model::OutboxSeq seq(next_outbox_seq_++);
    model::OutboxEntry entry;
    entry.room = model::RoomId(room);
    entry.seq = seq;
    entry.client_id = model::ClientMessageId(client_id);
    entry.content.text = text;
    entry.accepted_at = kNow;
    entry.history = {{kNow, "accepted", ""}};
    PARLEY_CHECK(tables.PutOutboxEntry(&entry).ok());

    auto counters = tables.FindOutboxRoom(entry.room);
    PARLEY_CHECK(counters.ok());
    model::OutboxRoom outbox_room = counters->value_or(model::OutboxRoom());
    outbox_room.room = entry.room;
    ++outbox_room.queued;
    outbox_room.next_seq = seq.Next();
    tables.PutOutboxRoom(outbox_room);

    model::Delivery delivery;
    delivery.client_id = entry.client_id;
    delivery.room = entry.room;
    delivery.updated_at = kNow;
    PARLEY_CHECK(tables.PutDelivery(&delivery).ok());

    model::Message message;
    message.room = entry.room;
    message.client_id = entry.client_id;
    message.sender = model::UserId("alice");
    message.content = entry.content;
    message.sent_at = kNow;
    PARLEY_CHECK(tables.PutMessage(&message, seq).ok());
  });
}

void TestStore::PutFailed(const std::string& room,
                          const std::string& client_id) {
  PutQueued(room, client_id, "failed");
  Write([&](storage::Tables& tables) {
    auto entry = tables.FindOutboxEntry(model::ClientMessageId(client_id));
    PARLEY_CHECK(entry.ok() && entry->has_value());
    (*entry)->state = model::OutboxState::kFailed;
    (*entry)->failure = model::FailureReason::kRefused;
    PARLEY_CHECK(tables.PutOutboxEntry(&**entry).ok());
    auto counters = tables.FindOutboxRoom(model::RoomId(room));
    --(*counters)->queued;
    ++(*counters)->failed;
    tables.PutOutboxRoom(**counters);
  });
}

void TestStore::RemoveQueued(const std::string& client_id) {
  Write([&](storage::Tables& tables) {
    const model::ClientMessageId id(client_id);
    PARLEY_CHECK(tables.RemoveOutboxEntry(id).ok());
    auto message = tables.FindMessage(model::UserId("alice"), id);
    PARLEY_CHECK(message.ok() && message->has_value());
    PARLEY_CHECK(tables.RemoveMessage(**message).ok());
    PARLEY_CHECK(tables.RemoveDelivery(id).ok());
  });
}

}  // namespace parley::rpc
