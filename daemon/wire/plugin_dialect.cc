#include "daemon/wire/plugin_dialect.h"

#include "daemon/wire/event_names.h"
#include "daemon/wire/message_codec.h"

namespace parley::wire {

Request PluginDialect::EncodeSend(const model::RoomId& room,
                                  const model::ClientMessageId& client_id,
                                  const model::MessageContent& content,
                                  const SendOptions& options) const {
  return {kSendRequest, EncodeMessage(Placement::kMetadata, room, client_id,
                                      content, options)};
}

bool PluginDialect::DecodeMessageEvent(const nlohmann::json& payload,
                                       model::Message* message,
                                       std::string* problem) const {
  return DecodeMessage(Placement::kMetadata, payload, message, problem);
}

}  // namespace parley::wire
