#include "daemon/rpc/convert_status.h"

#include <string>

#include "daemon/model/limits.h"
#include "daemon/rpc/convert_value.h"
#include "daemon/rpc/validate.h"

namespace parley::rpc {
namespace {

v1::ConnectionState ToProto(model::ConnectionState from) {
  switch (from) {
    case model::ConnectionState::kOffline:
      return v1::CONNECTION_STATE_OFFLINE;
    case model::ConnectionState::kConnecting:
      return v1::CONNECTION_STATE_CONNECTING;
    case model::ConnectionState::kAuthenticating:
      return v1::CONNECTION_STATE_AUTHENTICATING;
    case model::ConnectionState::kCatchingUp:
      return v1::CONNECTION_STATE_CATCHING_UP;
    case model::ConnectionState::kReady:
      return v1::CONNECTION_STATE_READY;
    case model::ConnectionState::kWaiting:
      return v1::CONNECTION_STATE_WAITING;
    case model::ConnectionState::kCredentialsRequired:
      return v1::CONNECTION_STATE_CREDENTIALS_REQUIRED;
    case model::ConnectionState::kStopped:
      return v1::CONNECTION_STATE_STOPPED;
  }
  return v1::CONNECTION_STATE_UNSPECIFIED;
}

v1::ServerDialect ToProto(model::Dialect from) {
  switch (from) {
    case model::Dialect::kUnknown:
      return v1::SERVER_DIALECT_UNSPECIFIED;
    case model::Dialect::kFull:
      return v1::SERVER_DIALECT_FULL;
    case model::Dialect::kPlugin:
      return v1::SERVER_DIALECT_PLUGIN;
  }
  return v1::SERVER_DIALECT_UNSPECIFIED;
}

v1::ServerReachability ToProto(model::Reachability from) {
  switch (from) {
    case model::Reachability::kUnknown:
      return v1::SERVER_REACHABILITY_UNSPECIFIED;
    case model::Reachability::kReachable:
      return v1::SERVER_REACHABILITY_REACHABLE;
    case model::Reachability::kUnreachable:
      return v1::SERVER_REACHABILITY_UNREACHABLE;
  }
  return v1::SERVER_REACHABILITY_UNSPECIFIED;
}

v1::QualityLevel ToProto(model::QualityLevel from) {
  switch (from) {
    case model::QualityLevel::kUnknown:
      return v1::QUALITY_LEVEL_UNSPECIFIED;
    case model::QualityLevel::kExcellent:
      return v1::QUALITY_LEVEL_EXCELLENT;
    case model::QualityLevel::kGood:
      return v1::QUALITY_LEVEL_GOOD;
    case model::QualityLevel::kFair:
      return v1::QUALITY_LEVEL_FAIR;
    case model::QualityLevel::kPoor:
      return v1::QUALITY_LEVEL_POOR;
  }
  return v1::QUALITY_LEVEL_UNSPECIFIED;
}

v1::SyncPhase ToProto(model::SyncPhase from) {
  switch (from) {
    case model::SyncPhase::kIdle:
      return v1::SYNC_PHASE_IDLE;
    case model::SyncPhase::kRunning:
      return v1::SYNC_PHASE_RUNNING;
    case model::SyncPhase::kCompleted:
      return v1::SYNC_PHASE_COMPLETED;
    case model::SyncPhase::kFailed:
      return v1::SYNC_PHASE_FAILED;
    case model::SyncPhase::kCancelled:
      return v1::SYNC_PHASE_CANCELLED;
  }
  return v1::SYNC_PHASE_UNSPECIFIED;
}

v1::SyncTrigger ToProto(model::SyncTrigger from) {
  switch (from) {
    case model::SyncTrigger::kConnect:
      return v1::SYNC_TRIGGER_CONNECT;
    case model::SyncTrigger::kRequest:
      return v1::SYNC_TRIGGER_REQUEST;
    case model::SyncTrigger::kGap:
      return v1::SYNC_TRIGGER_GAP;
    case model::SyncTrigger::kRetry:
      return v1::SYNC_TRIGGER_RETRY;
    case model::SyncTrigger::kJoin:
      return v1::SYNC_TRIGGER_JOIN;
  }
  return v1::SYNC_TRIGGER_UNSPECIFIED;
}

void ToProto(const model::QualityStatus& from, v1::ConnectionQuality* to) {
  to->set_level(ToProto(from.level));
  if (from.average_latency.has_value()) {
    SetDuration(*from.average_latency, to->mutable_average_latency());
  }
  to->set_samples(ToInt32(from.samples));
  to->set_lost_samples(ToInt32(from.lost));
}

void ToProto(const model::ConnectionStatus& from, v1::ConnectionStatus* to) {
  to->set_state(ToProto(from.state));
  SetTime(from.since, [to] { return to->mutable_since(); });
  to->set_cause(from.cause);
  to->set_failed_attempts(ToInt32(from.attempt));
  SetTime(from.next_retry_at, [to] { return to->mutable_next_retry_at(); });
  to->set_last_error_code(from.last_error_code);
  to->set_last_error_message(from.last_error_message);
  SetTime(from.last_error_at, [to] { return to->mutable_last_error_at(); });
  to->set_server_url(from.server_url);
  to->set_user_id(from.user.value());
  to->set_device_online(from.device_online);
  to->set_server_reachability(ToProto(from.server));
  ToProto(from.quality, to->mutable_quality());
  SetTime(from.token_expires_at,
          [to] { return to->mutable_token_expires_at(); });
}

void ToProto(const model::OutboxStatus& from, v1::OutboxStatus* to) {
  to->set_queued(ToInt32(from.queued));
  to->set_failed(ToInt32(from.failed));
  to->set_bytes(ToInt64(from.bytes));
  to->set_max_entries(ToInt32(from.max_entries));
  to->set_max_bytes(ToInt64(from.max_bytes));
  SetTime(from.oldest_queued_at,
          [to] { return to->mutable_oldest_queued_at(); });
}

void ToProto(const model::RoomsStatus& from, v1::RoomsStatus* to) {
  to->set_rooms(ToInt32(from.rooms));
  to->set_joined(ToInt32(from.joined));
  to->set_failed(ToInt32(from.failed));
}

}  // namespace

void ToProto(const model::ServerCapabilities& from,
             v1::ServerCapabilities* to) {
  to->set_dialect(ToProto(from.dialect));
  to->set_protocol_version(from.protocol_version);
  to->set_message_ids(from.message_ids);
  to->set_deduplicates_sends(from.deduplicates);
  to->set_history(from.history);
  to->set_history_epoch(from.history_epoch);
  to->set_durable_membership(from.durable_membership);
  to->set_ordered_sends(from.ordered_sends);
  to->set_ordered_window(ToInt32(from.ordered_window));
  to->set_max_payload_bytes(ToInt64(from.max_payload_bytes));
  to->set_max_text_bytes(ToInt64(from.max_text_bytes));
  for (const std::string& name : from.advertised) to->add_advertised(name);
  SetTime(from.learned_at, [to] { return to->mutable_learned_at(); });
}

void ToProto(const model::SyncStatus& from, v1::SyncState* to) {
  to->set_phase(ToProto(from.phase));
  if (from.phase != model::SyncPhase::kIdle) {
    to->set_trigger(ToProto(from.trigger));
  }
  to->set_run(ToInt64(from.run));
  to->set_progress_percent(ToInt32(from.progress));
  to->set_rooms_total(ToInt32(from.rooms));
  to->set_rooms_done(ToInt32(from.rooms_done));
  to->set_rooms_failed(ToInt32(from.rooms_failed));
  to->set_messages_read(ToInt64(from.messages));
  to->set_rooms_restarted(ToInt32(from.rooms_restarted));
  for (const model::SyncRoomError& error : from.errors) {
    v1::SyncRoomError* const line = to->add_errors();
    line->set_room(error.room.value());
    line->set_error(error.error);
  }
  to->set_error(from.error);
  SetTime(from.started_at, [to] { return to->mutable_started_at(); });
  SetTime(from.ended_at, [to] { return to->mutable_ended_at(); });
}

void ToProto(const model::CoreStatus& from, v1::DaemonStatus* to) {
  ToProto(from.connection, to->mutable_connection());
  ToProto(from.capabilities, to->mutable_server());
  ToProto(from.outbox, to->mutable_outbox());
  ToProto(from.rooms, to->mutable_rooms());
  ToProto(from.sync, to->mutable_sync());
  to->mutable_sync()->clear_errors();
}

v1::DaemonLimits DaemonLimitsProto() {
  v1::DaemonLimits limits;
  limits.set_max_room_name_bytes(model::kMaxRoomIdBytes);
  limits.set_max_client_message_id_bytes(model::kMaxClientMessageIdBytes);
  limits.set_max_text_bytes(model::kMaxTextBytes);
  limits.set_max_mentions(model::kMaxMentions);
  limits.set_max_attachments(model::kMaxAttachments);
  limits.set_max_metadata_entries(model::kMaxMetadataEntries);
  limits.set_max_metadata_key_bytes(model::kMaxMetadataKeyBytes);
  limits.set_max_metadata_value_bytes(model::kMaxMetadataValueBytes);
  limits.set_max_rooms(model::kMaxRooms);
  limits.set_max_page_size(model::kMaxPageSize);
  limits.set_max_messages_per_room(model::kMaxMessagesPerRoom);
  limits.set_max_request_bytes(model::kMaxRequestBytes);
  limits.set_max_token_bytes(kMaxTokenBytes);
  return limits;
}

}  // namespace parley::rpc
