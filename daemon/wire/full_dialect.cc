#include "daemon/wire/full_dialect.h"

#include "daemon/wire/event_names.h"
#include "daemon/wire/message_codec.h"

namespace parley::wire {

Request FullDialect::EncodeSend(const model::RoomId& room,
                                const model::ClientMessageId& client_id,
                                const model::MessageContent& content,
                                const SendOptions& options) const {
  return {kSendRequest, EncodeMessage(Placement::kPayload, room, client_id,
                                      content, options)};
}

bool FullDialect::DecodeMessageEvent(const nlohmann::json& payload,
                                     model::Message* message,
                                     std::string* problem) const {
  if (!DecodeMessage(Placement::kPayload, payload, message, problem)) {
    return false;
  }
  if (message->id.empty()) *problem = "messageId is missing";
  return problem->empty();
}

}  // namespace parley::wire
