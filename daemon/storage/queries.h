#ifndef DAEMON_STORAGE_QUERIES_H_
#define DAEMON_STORAGE_QUERIES_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/model/change.h"
#include "daemon/storage/store.h"

// Reads for clients. They do not pass the core: pure functions of a reader,
// called on the RPC side with a snapshot, and by the simulator.
namespace parley::storage {

// --- The change feed ---------------------------------------------------------

struct ChangeFilter {
  model::ObjectKindSet kinds = 0;
  std::optional<model::RoomId> room;
};

struct ChangePage {
  std::vector<model::Change> changes;  // in order of seq, filtered
  model::ChangeSeq next;  // read up to here, whether it passed the filter
  bool at_end = false;    // nothing follows in this reader
};

// Rows of the feed that one page looks at. What a filter drops costs little,
// but a page must not take long, so a filtered one may be empty and not be the
// last.
inline constexpr size_t kMaxChangeRowsPerPage = 10000;

// The changes after `after`: about `max_bytes` of them, never none for being
// too large.
absl::StatusOr<ChangePage> ReadChanges(const StoreReader& reader,
                                       model::ChangeSeq after,
                                       const ChangeFilter& filter,
                                       size_t max_bytes);

// Where a watcher with `token` starts.
struct ResumePoint {
  model::ChangeSeq after;
  // The token is of another store, of a history that was lost, or older than
  // what is kept: the watcher gets a snapshot and must forget what it had.
  bool fresh = false;
};
absl::StatusOr<ResumePoint> ResolveResumeToken(
    const StoreReader& reader, const std::optional<model::ResumeToken>& token);

// The token for a position reached in `reader`.
absl::StatusOr<model::ResumeToken> MakeResumeToken(const StoreReader& reader,
                                                   model::ChangeSeq seq);

// Opaque text; INVALID_ARGUMENT for text that never was a token.
std::string EncodeResumeToken(const model::ResumeToken& token);
absl::StatusOr<model::ResumeToken> DecodeResumeToken(absl::string_view text);

// --- Lists -------------------------------------------------------------------

// A page ends early once it has about this much, so that many long texts do not
// make a reply that gRPC refuses.
inline constexpr size_t kMaxListPageBytes = 1024 * 1024;

struct MessagePage {
  std::vector<model::MessageView> messages;  // oldest first
  bool has_older = false;
  bool has_newer = false;
  // Where the first and the last message stand, for the next page; empty when
  // there are no messages. Opaque text.
  std::string oldest_place;
  std::string newest_place;
};
// The newest `limit` messages of a room, or those before or after one of them
// or a place that a page gave (at most one of the four). NOT_FOUND when that
// message is not stored, INVALID_ARGUMENT for what is no place in this room. A
// message that has no id yet has a place, and a place outlives its message.
struct MessageRange {
  std::optional<model::MessageId> before;
  std::optional<model::MessageId> after;
  std::optional<std::string> before_place;
  std::optional<std::string> after_place;
};
absl::StatusOr<MessagePage> ListMessages(const StoreReader& reader,
                                         const model::RoomId& room,
                                         const MessageRange& range,
                                         size_t limit);

struct RoomPage {
  std::vector<model::Room> rooms;  // by name
  std::optional<model::RoomId> next;
};
absl::StatusOr<RoomPage> ListRooms(const StoreReader& reader,
                                   const std::optional<model::RoomId>& from,
                                   size_t limit);
absl::StatusOr<std::optional<model::Room>> GetRoom(const StoreReader& reader,
                                                   const model::RoomId& room);

struct OutboxPage {
  std::vector<model::OutboxEntry> entries;  // by room, then seq; FAILED last
  std::string next;                         // empty: no more
};
struct OutboxFilter {
  std::optional<model::RoomId> room;
  bool failed_only = false;
};
// `from` is empty or the `next` of the page before; INVALID_ARGUMENT otherwise.
absl::StatusOr<OutboxPage> ListOutbox(const StoreReader& reader,
                                      const OutboxFilter& filter,
                                      absl::string_view from, size_t limit);
absl::StatusOr<std::optional<model::OutboxEntry>> GetOutboxEntry(
    const StoreReader& reader, const model::ClientMessageId& client_id);
absl::StatusOr<std::optional<model::SentRecord>> GetSentRecord(
    const StoreReader& reader, const model::ClientMessageId& client_id);

// What the store says of itself.
struct StoreInfo {
  std::string store_id;
  uint32_t schema_version = 0;
  uint64_t epoch = 0;
  std::string server_url;
  model::UserId user;
  model::ChangeSeq last_change;
};
absl::StatusOr<StoreInfo> GetStoreInfo(const StoreReader& reader);

}  // namespace parley::storage

#endif  // DAEMON_STORAGE_QUERIES_H_
