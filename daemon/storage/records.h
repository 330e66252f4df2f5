#ifndef DAEMON_STORAGE_RECORDS_H_
#define DAEMON_STORAGE_RECORDS_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/model/capabilities.h"
#include "daemon/model/change.h"
#include "daemon/model/connection.h"
#include "daemon/model/ids.h"
#include "daemon/model/message.h"
#include "daemon/model/outbox.h"
#include "daemon/model/room.h"
#include "daemon/model/sync.h"
#include "daemon/storage/keys.h"

// The values of the store. Each one is
//
//   1 byte    format, kRecordFormat
//   n bytes   body: a message of protos/storage/v1, a primary key (in the index
//             tables), or nothing (where the key says it all)
//   4 bytes   CRC-32C of key, format and body, little-endian
//
// The checksum covers the key, so that a value under another key is damage
// too. A record that does not decode is DATA_LOSS, with the key described.
//
// A field that a later minor version added is read past; it is dropped when
// this program writes the record again.
namespace parley::storage {

inline constexpr uint8_t kRecordFormat = 1;

std::string SealRecord(absl::string_view key, absl::string_view body);
// The body, a part of `value`.
absl::StatusOr<absl::string_view> OpenRecord(absl::string_view key,
                                             absl::string_view value);

// The error for a row that contradicts itself or another one.
absl::Status DamagedRecord(absl::string_view key, absl::string_view what);

// --- Objects -----------------------------------------------------------------

std::string EncodeRoom(absl::string_view key, const model::Room& room);
absl::StatusOr<model::Room> DecodeRoom(absl::string_view key,
                                       absl::string_view value);

std::string EncodeOutboxRoom(absl::string_view key,
                             const model::OutboxRoom& room);
absl::StatusOr<model::OutboxRoom> DecodeOutboxRoom(absl::string_view key,
                                                   absl::string_view value);

std::string EncodeOutboxEntry(absl::string_view key,
                              const model::OutboxEntry& entry);
absl::StatusOr<model::OutboxEntry> DecodeOutboxEntry(absl::string_view key,
                                                     absl::string_view value);

std::string EncodeSent(absl::string_view key, const model::SentRecord& sent);
absl::StatusOr<model::SentRecord> DecodeSent(absl::string_view key,
                                             absl::string_view value);

std::string EncodeMessage(absl::string_view key, const model::Message& message);
absl::StatusOr<model::Message> DecodeMessage(absl::string_view key,
                                             absl::string_view value);

std::string EncodeDelivery(absl::string_view key,
                           const model::Delivery& delivery);
absl::StatusOr<model::Delivery> DecodeDelivery(absl::string_view key,
                                               absl::string_view value);

// Whether `delivery` is that of `message`, and not of another sender's message
// with the same client id. `account` is empty while it is not known.
bool IsDeliveryOf(const model::Delivery& delivery,
                  const model::Message& message, const model::UserId& account);

std::string EncodeSyncCursor(absl::string_view key,
                             const model::SyncCursor& cursor);
absl::StatusOr<model::SyncCursor> DecodeSyncCursor(absl::string_view key,
                                                   absl::string_view value);

// --- Bookkeeping -------------------------------------------------------------

// Of the messages of one room.
struct RoomMessages {
  // Messages that count against the limit: those not in the outbox.
  uint64_t settled = 0;
  // No settled message stands before it: where eviction looks for the oldest,
  // instead of wading through what was deleted before.
  MessagePosition first;
};
std::string EncodeRoomMessages(absl::string_view key,
                               const RoomMessages& messages);
absl::StatusOr<RoomMessages> DecodeRoomMessages(absl::string_view key,
                                                absl::string_view value);

// A live object by its key, or what is left of one.
using FeedRow = std::variant<std::string, model::Tombstone>;
std::string EncodeFeedRow(absl::string_view key, const FeedRow& row);
absl::StatusOr<FeedRow> DecodeFeedRow(absl::string_view key,
                                      absl::string_view value);

// Which history a sequence of the feed belongs to.
struct FeedEpoch {
  uint64_t epoch = 0;
  model::ChangeSeq start;  // the last change when it began
};
std::string EncodeFeedEpochs(absl::string_view key,
                             const std::vector<FeedEpoch>& epochs);
absl::StatusOr<std::vector<FeedEpoch>> DecodeFeedEpochs(
    absl::string_view key, absl::string_view value);

struct FeedState {
  model::ChangeSeq floor;  // the last change whose tombstone is forgotten
  uint64_t tombstones = 0;
};
std::string EncodeFeedState(absl::string_view key, const FeedState& state);
absl::StatusOr<FeedState> DecodeFeedState(absl::string_view key,
                                          absl::string_view value);

// --- Single values -----------------------------------------------------------

std::string EncodeSchemaVersion(absl::string_view key, uint32_t version);
absl::StatusOr<uint32_t> DecodeSchemaVersion(absl::string_view key,
                                             absl::string_view value);

std::string EncodeStoreId(absl::string_view key, absl::string_view store_id);
absl::StatusOr<std::string> DecodeStoreId(absl::string_view key,
                                          absl::string_view value);

// Who and what a store belongs to. Empty fields: not yet known.
struct StoreBinding {
  std::string server_url;  // normalised: scheme://host:port
  model::UserId user;
};
std::string EncodeBinding(absl::string_view key, const StoreBinding& binding);
absl::StatusOr<StoreBinding> DecodeBinding(absl::string_view key,
                                           absl::string_view value);

std::string EncodeCapabilities(absl::string_view key,
                               const model::ServerCapabilities& capabilities);
absl::StatusOr<model::ServerCapabilities> DecodeCapabilities(
    absl::string_view key, absl::string_view value);

std::string EncodeStopped(absl::string_view key, model::OnPurpose stopped);
absl::StatusOr<model::OnPurpose> DecodeStopped(absl::string_view key,
                                               absl::string_view value);

// What a sign-out takes with it.
struct ErasureScope {
  bool outbox = false;
  bool cache = false;  // rooms and messages
};
std::string EncodeErasure(absl::string_view key, const ErasureScope& scope);
absl::StatusOr<ErasureScope> DecodeErasure(absl::string_view key,
                                           absl::string_view value);

std::string EncodeSentCount(absl::string_view key, uint64_t settled);
absl::StatusOr<uint64_t> DecodeSentCount(absl::string_view key,
                                         absl::string_view value);

}  // namespace parley::storage

#endif  // DAEMON_STORAGE_RECORDS_H_
