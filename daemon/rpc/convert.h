#ifndef DAEMON_RPC_CONVERT_H_
#define DAEMON_RPC_CONVERT_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daemon/core/api/effect.h"
#include "daemon/model/change.h"
#include "daemon/model/message.h"
#include "daemon/model/outbox.h"
#include "daemon/model/room.h"
#include "google/protobuf/duration.pb.h"
#include "parley/v1/daemon_service.pb.h"
#include "parley/v1/message.pb.h"
#include "parley/v1/message_service.pb.h"
#include "parley/v1/outbox.pb.h"
#include "parley/v1/outbox_service.pb.h"
#include "parley/v1/room.pb.h"

// Between the daemon's own types and those of the API, but for the status
// (convert_status.h). Pure functions.
//
// Numbers that do not fit are lowered to the largest that does, and times
// outside of what the API can say are moved to its nearest; a time that was
// never set is left out.
namespace parley::rpc {

namespace v1 = ::parley::v1;

void ToProto(const model::MessageView& from, v1::Message* to);
void ToProto(const model::Room& from, v1::Room* to);
void ToProto(const model::Delivery& from, v1::Delivery* to);

enum class History { kOmitted, kIncluded };
void ToProto(const model::OutboxEntry& from, History history,
             v1::OutboxEntry* to);

void ToProto(const core::MessageAccepted& from, v1::SendMessageResponse* to);
void ToProto(const core::CancelReply& from, v1::CancelMessageResponse* to);
void ToProto(const core::FlushReply& from, v1::FlushOutboxResponse* to);
void ToProto(const core::SignOutReply& from, v1::SignOutResponse* to);

// What is sent as a message. INVALID_ARGUMENT, with the field, for what the
// daemon's types cannot hold; limits are not checked.
absl::StatusOr<model::MessageContent> ContentFromProto(
    const v1::SendMessageRequest& from);

// INVALID_ARGUMENT, with the field, unless it is a whole number of
// milliseconds that may be waited for.
absl::StatusOr<absl::Duration> ExpireAfterFromProto(
    const google::protobuf::Duration& from);

// A catch-up that takes a day has stopped to be one.
inline constexpr absl::Duration kMaxSyncDeadline = absl::Hours(24);

// The same for the deadline of a catch-up.
absl::StatusOr<absl::Duration> SyncDeadlineFromProto(
    const google::protobuf::Duration& from);

}  // namespace parley::rpc

#endif  // DAEMON_RPC_CONVERT_H_
