#include <utility>

#include "daemon/storage/record_frame.h"
#include "daemon/storage/records.h"
#include "storage/v1/feed.pb.h"
#include "storage/v1/message.pb.h"
#include "storage/v1/meta.pb.h"
#include "storage/v1/room.pb.h"

namespace parley::storage {

using internal::FromMillis;
using internal::Open;
using internal::ReadEnum;
using internal::Seal;
using internal::ToMillis;
using internal::UnknownEnum;

std::string EncodeSyncCursor(absl::string_view key,
                             const model::SyncCursor& cursor) {
  v1::SyncCursorRecord proto;
  proto.set_epoch(cursor.epoch);
  proto.set_cursor(cursor.cursor);
  proto.set_last_change(cursor.last_change);
  proto.set_synced_at_ms(ToMillis(cursor.synced_at));
  return Seal(key, proto);
}

absl::StatusOr<model::SyncCursor> DecodeSyncCursor(absl::string_view key,
                                                   absl::string_view value) {
  v1::SyncCursorRecord proto;
  if (absl::Status status = Open(key, value, &proto); !status.ok()) {
    return status;
  }
  model::SyncCursor cursor;
  cursor.epoch = proto.epoch();
  cursor.cursor = proto.cursor();
  cursor.last_change = proto.last_change();
  cursor.synced_at = FromMillis(proto.synced_at_ms());
  return cursor;
}

std::string EncodeRoomMessages(absl::string_view key,
                               const RoomMessages& messages) {
  v1::RoomMessagesRecord proto;
  proto.set_settled(messages.settled);
  proto.set_first_order(messages.first.order);
  proto.set_first_tie(messages.first.tie);
  return Seal(key, proto);
}

absl::StatusOr<RoomMessages> DecodeRoomMessages(absl::string_view key,
                                                absl::string_view value) {
  v1::RoomMessagesRecord proto;
  if (absl::Status status = Open(key, value, &proto); !status.ok()) {
    return status;
  }
  RoomMessages messages;
  messages.settled = proto.settled();
  messages.first = {proto.first_order(), proto.first_tie()};
  return messages;
}

std::string EncodeFeedRow(absl::string_view key, const FeedRow& row) {
  v1::FeedRecord proto;
  if (const auto* object = std::get_if<std::string>(&row)) {
    proto.set_primary_key(*object);
  } else {
    const auto& gone = std::get<model::Tombstone>(row);
    v1::TombstoneRecord* tombstone = proto.mutable_tombstone();
    tombstone->set_kind(static_cast<uint32_t>(gone.kind));
    tombstone->set_room(gone.room.value());
    tombstone->set_client_id(gone.client_id.value());
    tombstone->set_message_id(gone.message_id.value());
  }
  return Seal(key, proto);
}

absl::StatusOr<FeedRow> DecodeFeedRow(absl::string_view key,
                                      absl::string_view value) {
  v1::FeedRecord proto;
  if (absl::Status status = Open(key, value, &proto); !status.ok()) {
    return status;
  }
  if (proto.has_primary_key()) {
    return FeedRow(std::move(*proto.mutable_primary_key()));
  }
  if (!proto.has_tombstone()) return DamagedRecord(key, "it names no object");
  const v1::TombstoneRecord& from = proto.tombstone();
  model::Tombstone tombstone;
  if (!ReadEnum(from.kind(), model::ObjectKind::kMessage,
                model::ObjectKind::kDelivery, &tombstone.kind)) {
    return UnknownEnum(key, "the kind", from.kind());
  }
  tombstone.room = model::RoomId(from.room());
  tombstone.client_id = model::ClientMessageId(from.client_id());
  tombstone.message_id = model::MessageId(from.message_id());
  return FeedRow(std::move(tombstone));
}

std::string EncodeFeedEpochs(absl::string_view key,
                             const std::vector<FeedEpoch>& epochs) {
  v1::FeedEpochsRecord proto;
  for (const FeedEpoch& epoch : epochs) {
    v1::FeedEpochRecord* record = proto.add_epochs();
    record->set_epoch(epoch.epoch);
    record->set_start(epoch.start.value());
  }
  return Seal(key, proto);
}

absl::StatusOr<std::vector<FeedEpoch>> DecodeFeedEpochs(
    absl::string_view key, absl::string_view value) {
  v1::FeedEpochsRecord proto;
  if (absl::Status status = Open(key, value, &proto); !status.ok()) {
    return status;
  }
  std::vector<FeedEpoch> epochs;
  epochs.reserve(proto.epochs_size());
  for (const v1::FeedEpochRecord& record : proto.epochs()) {
    const FeedEpoch epoch{record.epoch(), model::ChangeSeq(record.start())};
    if (!epochs.empty() && (epoch.epoch <= epochs.back().epoch ||
                            epoch.start < epochs.back().start)) {
      return DamagedRecord(key, "the epochs are out of order");
    }
    epochs.push_back(epoch);
  }
  if (epochs.empty()) return DamagedRecord(key, "it has no epoch");
  return epochs;
}

std::string EncodeFeedState(absl::string_view key, const FeedState& state) {
  v1::FeedStateRecord proto;
  proto.set_floor(state.floor.value());
  proto.set_tombstones(state.tombstones);
  return Seal(key, proto);
}

absl::StatusOr<FeedState> DecodeFeedState(absl::string_view key,
                                          absl::string_view value) {
  v1::FeedStateRecord proto;
  if (absl::Status status = Open(key, value, &proto); !status.ok()) {
    return status;
  }
  return FeedState{model::ChangeSeq(proto.floor()), proto.tombstones()};
}

std::string EncodeSchemaVersion(absl::string_view key, uint32_t version) {
  v1::SchemaRecord proto;
  proto.set_version(version);
  return Seal(key, proto);
}

absl::StatusOr<uint32_t> DecodeSchemaVersion(absl::string_view key,
                                             absl::string_view value) {
  v1::SchemaRecord proto;
  if (absl::Status status = Open(key, value, &proto); !status.ok()) {
    return status;
  }
  return proto.version();
}

std::string EncodeStoreId(absl::string_view key, absl::string_view store_id) {
  v1::StoreIdRecord proto;
  proto.set_store_id(std::string(store_id));
  return Seal(key, proto);
}

absl::StatusOr<std::string> DecodeStoreId(absl::string_view key,
                                          absl::string_view value) {
  v1::StoreIdRecord proto;
  if (absl::Status status = Open(key, value, &proto); !status.ok()) {
    return status;
  }
  if (proto.store_id().empty()) return DamagedRecord(key, "it is empty");
  return proto.store_id();
}

std::string EncodeBinding(absl::string_view key, const StoreBinding& binding) {
  v1::BindingRecord proto;
  proto.set_server_url(binding.server_url);
  proto.set_user(binding.user.value());
  return Seal(key, proto);
}

absl::StatusOr<StoreBinding> DecodeBinding(absl::string_view key,
                                           absl::string_view value) {
  v1::BindingRecord proto;
  if (absl::Status status = Open(key, value, &proto); !status.ok()) {
    return status;
  }
  return StoreBinding{proto.server_url(), model::UserId(proto.user())};
}

std::string EncodeCapabilities(absl::string_view key,
                               const model::ServerCapabilities& from) {
  v1::CapabilitiesRecord proto;
  proto.set_dialect(static_cast<uint32_t>(from.dialect));
  proto.set_protocol_version(from.protocol_version);
  proto.set_history_epoch(from.history_epoch);
  proto.set_message_ids(from.message_ids);
  proto.set_deduplicates(from.deduplicates);
  proto.set_history(from.history);
  proto.set_durable_membership(from.durable_membership);
  proto.set_changes(from.changes);
  proto.set_ordered_window(from.ordered_window);
  proto.set_ordered_sends(from.ordered_sends);
  proto.set_max_payload_bytes(from.max_payload_bytes);
  proto.set_max_text_bytes(from.max_text_bytes);
  for (const std::string& name : from.advertised) proto.add_advertised(name);
  proto.set_history_era(from.history_era);
  proto.set_learned_at_ms(ToMillis(from.learned_at));
  return Seal(key, proto);
}

absl::StatusOr<model::ServerCapabilities> DecodeCapabilities(
    absl::string_view key, absl::string_view value) {
  v1::CapabilitiesRecord proto;
  if (absl::Status status = Open(key, value, &proto); !status.ok()) {
    return status;
  }
  model::ServerCapabilities to;
  if (!ReadEnum(proto.dialect(), model::Dialect::kUnknown,
                model::Dialect::kPlugin, &to.dialect)) {
    return UnknownEnum(key, "the dialect", proto.dialect());
  }
  to.protocol_version = proto.protocol_version();
  to.history_epoch = proto.history_epoch();
  to.message_ids = proto.message_ids();
  to.deduplicates = proto.deduplicates();
  to.history = proto.history();
  to.durable_membership = proto.durable_membership();
  to.changes = proto.changes();
  to.ordered_window = proto.ordered_window();
  to.ordered_sends = proto.ordered_sends();
  to.max_payload_bytes = proto.max_payload_bytes();
  to.max_text_bytes = proto.max_text_bytes();
  to.advertised.assign(proto.advertised().begin(), proto.advertised().end());
  to.history_era = proto.history_era();
  to.learned_at = FromMillis(proto.learned_at_ms());
  return to;
}

std::string EncodeStopped(absl::string_view key, model::OnPurpose stopped) {
  v1::StoppedRecord proto;
  proto.set_stopped(static_cast<uint32_t>(stopped));
  return Seal(key, proto);
}

absl::StatusOr<model::OnPurpose> DecodeStopped(absl::string_view key,
                                               absl::string_view value) {
  v1::StoppedRecord proto;
  if (absl::Status status = Open(key, value, &proto); !status.ok()) {
    return status;
  }
  model::OnPurpose stopped;
  if (!ReadEnum(proto.stopped(), model::OnPurpose::kOnline,
                model::OnPurpose::kSignedOut, &stopped)) {
    return UnknownEnum(key, "the wish", proto.stopped());
  }
  return stopped;
}

std::string EncodeErasure(absl::string_view key, const ErasureScope& scope) {
  v1::ErasureRecord proto;
  proto.set_outbox(scope.outbox);
  proto.set_cache(scope.cache);
  return Seal(key, proto);
}

absl::StatusOr<ErasureScope> DecodeErasure(absl::string_view key,
                                           absl::string_view value) {
  v1::ErasureRecord proto;
  if (absl::Status status = Open(key, value, &proto); !status.ok()) {
    return status;
  }
  return ErasureScope{proto.outbox(), proto.cache()};
}

std::string EncodeSentCount(absl::string_view key, uint64_t settled) {
  v1::SentCountRecord proto;
  proto.set_settled(settled);
  return Seal(key, proto);
}

absl::StatusOr<uint64_t> DecodeSentCount(absl::string_view key,
                                         absl::string_view value) {
  v1::SentCountRecord proto;
  if (absl::Status status = Open(key, value, &proto); !status.ok()) {
    return status;
  }
  return proto.settled();
}

}  // namespace parley::storage
