#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "daemon/base/check.h"
#include "daemon/base/json.h"
#include "daemon/model/ids.h"
#include "daemon/model/limits.h"
#include "daemon/socketio/packet.h"
#include "daemon/wire/dialect.h"
#include "nlohmann/json.hpp"

// Input: a Socket.IO packet, as after "4". Whatever a server sends as an event
// or an answer becomes a value within the limits; and what a message says can
// be said again in the same dialect.
namespace parley::wire {
namespace {

using nlohmann::json;

void CheckMessage(const Dialect& dialect, const model::Message& message) {
  PARLEY_CHECK(model::ValidateRoomId(message.room.value()).ok());
  PARLEY_CHECK(message.client_id.value().size() <=
               model::kMaxClientMessageIdBytes);
  PARLEY_CHECK(message.content.text.size() <= model::kMaxTextBytes);
  PARLEY_CHECK(model::IsValidUtf8(message.content.text));
  PARLEY_CHECK(message.content.mentions.size() <= model::kMaxMentions);
  PARLEY_CHECK(message.content.attachments.size() <= model::kMaxAttachments);
  PARLEY_CHECK(message.sent_at >= absl::UnixEpoch());
  if (!model::ValidateContent(message.content).ok()) return;
  const Request request =
      dialect.EncodeSend(message.room, message.client_id, message.content, {});
  PARLEY_CHECK(
      base::DumpJson(request.payload).size() <=
      MaxSendFrameBytes(message.room, message.client_id, message.content));
  json echo = request.payload;
  echo["messageId"] = "m";
  echo["timestamp"] = 0;
  const ServerEvent again =
      dialect.DecodeEvent("message:new", json::array({echo}));
  const auto* received = std::get_if<MessageReceived>(&again);
  PARLEY_CHECK(received != nullptr);
  PARLEY_CHECK(received->message.content == message.content);
}

void CheckEvent(const Dialect& dialect, const std::string& name,
                const json& args) {
  const ServerEvent event = dialect.DecodeEvent(name, args);
  if (const auto* received = std::get_if<MessageReceived>(&event)) {
    CheckMessage(dialect, received->message);
  } else if (const auto* ready = std::get_if<Ready>(&event)) {
    const model::ServerCapabilities& capabilities = ready->capabilities;
    PARLEY_CHECK(capabilities.ordered_window >= 1);
    PARLEY_CHECK(capabilities.ordered_window <= model::kMaxOrderedWindow);
    PARLEY_CHECK(capabilities.history == !capabilities.history_epoch.empty());
  } else if (const auto* changed = std::get_if<MemberChanged>(&event)) {
    PARLEY_CHECK(model::ValidateRoomId(changed->room.value()).ok());
  } else if (const auto* bad = std::get_if<MalformedEvent>(&event)) {
    PARLEY_CHECK(!bad->problem.empty() && bad->problem.size() < 256);
  }
}

void CheckAnswer(const Dialect& dialect, const json& args) {
  const Answer answer = dialect.DecodeAnswer(args);
  if (answer.error.has_value()) {
    PARLEY_CHECK(!answer.error->code.empty());
    PARLEY_CHECK(answer.error->message.size() <= 2048);
    return;
  }
  PARLEY_CHECK(dialect.DecodeSendResult(answer.data).id.value().size() <=
               model::kMaxForeignIdBytes);
  dialect.DecodeJoinResult(answer.data);
}

}  // namespace
}  // namespace parley::wire

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using parley::socketio::Packet;
  const absl::StatusOr<Packet> packet = parley::socketio::Decode(
      absl::string_view(reinterpret_cast<const char*>(data), size));
  if (!packet.ok() || !packet->data.has_value()) return 0;
  for (const auto kind :
       {parley::model::Dialect::kFull, parley::model::Dialect::kPlugin}) {
    const parley::wire::Dialect& dialect = parley::wire::DialectFor(kind);
    parley::wire::CheckAnswer(dialect, *packet->data);
    if (packet->type != parley::socketio::PacketType::kEvent ||
        !packet->data->front().is_string()) {
      continue;
    }
    nlohmann::json args = *packet->data;
    const std::string name = args.front().get<std::string>();
    args.erase(args.begin());
    parley::wire::CheckEvent(dialect, name, args);
  }
  return 0;
}
