#include "daemon/wire/shared_dialect.h"

#include <utility>

#include "daemon/wire/answers.h"
#include "daemon/wire/event_names.h"
#include "daemon/wire/field_reader.h"
#include "daemon/wire/message_codec.h"
#include "daemon/wire/ready.h"

namespace parley::wire {
namespace {

using nlohmann::json;

// What is kept of an unknown event's name, for counters and traces.
constexpr size_t kMaxNameBytes = 128;

}  // namespace

ServerEvent SharedDialect::DecodeEvent(absl::string_view name,
                                       const json& args) const {
  ServerEvent first = DecodeFirstEvent(name, args);
  if (std::get_if<UnknownEvent>(&first) == nullptr) return first;
  if (IsOneOf(name, kPongEvents)) return PongReceived{};
  const bool message = IsOneOf(name, kMessageEvents);
  const bool changed = IsOneOf(name, kChangeEvents);
  const bool joined = IsOneOf(name, kJoinedEvents);
  if (!message && !changed && !joined && !IsOneOf(name, kLeftEvents)) {
    return first;
  }
  if (!args.is_array() || args.empty() || !args.front().is_object()) {
    return MalformedEvent{std::string(name), "the payload is no object"};
  }
  const json& payload = args.front();
  std::string problem;
  if (message) {
    MessageReceived received;
    if (DecodeMessageEvent(payload, &received.message, &problem)) {
      DecodeChange(payload, &received);
      return received;
    }
  } else if (changed) {
    FieldReader reader("", payload, &problem);
    RoomChanged change;
    change.room = ReadRoom(&reader);
    change.change = reader.Number({"change"});
    if (problem.empty()) return change;
  } else {
    FieldReader reader("", payload, &problem);
    MemberChanged changed;
    changed.room = ReadRoom(&reader);
    changed.user = ReadUser(&reader);
    changed.joined = joined;
    if (problem.empty()) return changed;
  }
  return MalformedEvent{std::string(name), std::move(problem)};
}

Answer SharedDialect::DecodeAnswer(const json& args) const {
  return wire::DecodeAnswer(args);
}

SendResult SharedDialect::DecodeSendResult(const json& data) const {
  return wire::DecodeSendResult(data);
}

JoinResult SharedDialect::DecodeJoinResult(const json& data) const {
  return wire::DecodeJoinResult(data);
}

Request SharedDialect::EncodeJoin(const model::RoomId& room) const {
  return {kJoinRequest, json{{"roomName", room.value()}}};
}

Request SharedDialect::EncodeLeave(const model::RoomId& room) const {
  return {kLeaveRequest, json{{"roomName", room.value()}}};
}

ServerEvent DecodeFirstEvent(absl::string_view name, const json& args) {
  if (!IsOneOf(name, kReadyEvents)) {
    return UnknownEvent{std::string(name.substr(0, kMaxNameBytes))};
  }
  if (!args.is_array() || args.empty() || !args.front().is_object()) {
    return MalformedEvent{std::string(name), "the payload is no object"};
  }
  Ready ready;
  std::string problem;
  if (DecodeReady(args.front(), &ready, &problem)) return ready;
  return MalformedEvent{std::string(name), std::move(problem)};
}

}  // namespace parley::wire
