#ifndef DAEMON_MODEL_LIMITS_H_
#define DAEMON_MODEL_LIMITS_H_

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

// Every limit of the daemon, with the reason for its number. What happens when
// one is reached is said where it is enforced, and tested there.
namespace parley::model {

// --- Identifiers -----------------------------------------------------------

// The servers keep names in varchar(255).
inline constexpr size_t kMaxRoomIdBytes = 255;
// Room for a UUID with a long prefix; small enough to be a key everywhere.
inline constexpr size_t kMaxClientMessageIdBytes = 128;
// User, thread and message ids come from servers that keep varchar(255).
inline constexpr size_t kMaxForeignIdBytes = 255;

// --- Messages --------------------------------------------------------------

// A long chat message; far below any server's frame limit.
inline constexpr size_t kMaxTextBytes = 64 * 1024;
// Foreign clients may write more. It still fits one frame of most servers.
inline constexpr size_t kMaxReceivedTextBytes = 1024 * 1024;
// More names than a person writes in a message.
inline constexpr size_t kMaxMentions = 100;
// File bytes never pass through the daemon, only their description.
inline constexpr size_t kMaxAttachments = 32;
// A signed download address is long; two kilobytes is what browsers take.
inline constexpr size_t kMaxUrlBytes = 2048;
inline constexpr size_t kMaxAttachmentNameBytes = 255;
// The largest whole number that JavaScript, hence any server, keeps exact.
inline constexpr uint64_t kMaxAttachmentSizeBytes = (1ull << 53) - 1;
// Servers take 64; one is left for kReservedMetadataKey.
inline constexpr size_t kMaxMetadataEntries = 63;
inline constexpr size_t kMaxMetadataKeyBytes = 128;
inline constexpr size_t kMaxMetadataValueBytes = 4096;

// What a server takes in one frame until it has said otherwise: Socket.IO's
// default maxHttpBufferSize. A larger frame makes the server close the
// connection, so it must never be queued.
inline constexpr size_t kDefaultServerMaxPayloadBytes = 1000000;
// A server that advertises more still gets no more than this.
inline constexpr size_t kMaxFrameBytes = 4 * 1024 * 1024;

// --- Outbox ----------------------------------------------------------------

// Days of offline writing by a person, or hours of a bot. Configurable.
inline constexpr uint64_t kDefaultMaxOutboxEntries = 10000;
inline constexpr uint64_t kDefaultMaxOutboxBytes = 64ull * 1024 * 1024;
// The largest configurable queue: the layout is tested to bear it.
inline constexpr uint64_t kMaxConfigurableOutboxEntries = 1000000;
// Answered failures after which a message is parked.
inline constexpr int kDefaultMaxAnsweredFailures = 5;
// Connections that the server closed while this message's frame was the oldest
// one unanswered, after which it is taken for the cause.
inline constexpr int kMaxPoisonCloses = 3;
// What an entry remembers of its own past; the oldest are dropped first.
inline constexpr size_t kMaxOutboxHistory = 20;
// Unanswered sends over all rooms: bounds memory here and the burst there.
inline constexpr size_t kMaxSendsInFlight = 64;
inline constexpr size_t kMaxSendBytesInFlight = 1024 * 1024;
// A server may advertise a larger window; it gets no more than this.
inline constexpr uint32_t kMaxOrderedWindow = 64;
// How long a client message id is kept against repeats after it left.
inline constexpr absl::Duration kSentIdRetention = absl::Hours(24 * 7);
// Sent ids that are kept at most; the oldest go first. At 200 bytes each this
// is 200 MB on disk and none in memory.
inline constexpr uint64_t kMaxSentIds = 1000000;

// --- Rooms and the local store ---------------------------------------------

// More rooms than a person follows; a rejoin of all takes seconds.
inline constexpr size_t kMaxRooms = 10000;
// Joins on their way at once after a connect.
inline constexpr size_t kMaxJoinsInFlight = 16;
// Messages kept of a room; older ones are evicted.
inline constexpr uint64_t kMaxMessagesPerRoom = 1000;
// Deletions a resuming watcher can still be told one by one.
inline constexpr uint64_t kMaxTombstones = 10000;
// Restarts over which a resume token can still be judged.
inline constexpr size_t kMaxFeedEpochs = 64;
// One page of a watch stream.
inline constexpr size_t kMaxChangePageBytes = 256 * 1024;

// Rooms whose history is read at once, after a connect or when asked for: what
// one of them waits for, another one uses.
inline constexpr size_t kMaxSyncsInFlight = 4;
// Messages asked for in one page of a room's history. A step that takes them in
// holds up everybody else for some milliseconds.
inline constexpr uint32_t kSyncPageMessages = 200;
// What is kept of a server's opaque cursor: PROTOCOL.md allows 255.
inline constexpr size_t kMaxCursorBytes = 255;
// Rooms with errors that a catch-up names; it counts the others.
inline constexpr size_t kMaxSyncErrors = 100;

// --- Requests of UIs -------------------------------------------------------

inline constexpr int kDefaultPageSize = 50;
inline constexpr int kMaxPageSize = 1000;
// gRPC's own default; the largest valid message is an eighth of it.
inline constexpr size_t kMaxRequestBytes = 4 * 1024 * 1024;
// A message that waits for a year is not waited for.
inline constexpr absl::Duration kMaxExpireAfter = absl::Hours(24 * 365);
// More UI processes than a person runs; two descriptors each.
inline constexpr int kMaxClientConnections = 512;
// One process that leaks connections must leave some to others.
inline constexpr int kMaxConnectionsPerProcess = 128;
// At 25 kB each this is 25 MB.
inline constexpr size_t kMaxWatchStreams = 1024;
// Calls that wait for the core: more than it answers in 100 ms.
inline constexpr size_t kMaxCallsInFlight = 1024;

// --- Deadlines -------------------------------------------------------------

// Nothing, not even a refusal, came back: TCP, upgrade, CONNECT, ready event.
inline constexpr absl::Duration kConnectTimeout = absl::Seconds(20);
// A server answers a request in milliseconds; ten seconds is a lost answer.
inline constexpr absl::Duration kRequestTimeout = absl::Seconds(10);
// Relaxed writes reach the disk within this.
inline constexpr absl::Duration kRelaxedSyncInterval = absl::Seconds(1);
// A watch stream that makes no progress for this long is ended.
inline constexpr absl::Duration kConsumerLagTimeout = absl::Seconds(60);

}  // namespace parley::model

#endif  // DAEMON_MODEL_LIMITS_H_
