#ifndef DAEMON_WIRE_MESSAGE_CODEC_H_
#define DAEMON_WIRE_MESSAGE_CODEC_H_

#include <string>

#include "daemon/model/ids.h"
#include "daemon/model/message.h"
#include "daemon/wire/dialect.h"
#include "nlohmann/json.hpp"

// Messages as JSON. The two dialects have the same fields; they differ in where
// these travel:
//
//             full dialect                    plugin dialect
//   payload   roomName content threadId       roomName content threadId
//             clientMessageId type replyTo    (the rest does not come back)
//             mentions attachments
//   metadata  the application's entries       the application's entries
//     .parley possibleDuplicate               possibleDuplicate
//                                             clientMessageId type replyTo
//                                             mentions attachments
//
// A member at its default is left out, as servers do on the way back.
namespace parley::wire {

// Where the fields travel that the plugin dialect's servers drop.
enum class Placement { kPayload, kMetadata };

// The payload of a send. `content` must have passed ValidateContent: only then
// does it come back as it is.
nlohmann::json EncodeMessage(Placement placement, const model::RoomId& room,
                             const model::ClientMessageId& client_id,
                             const model::MessageContent& content,
                             const SendOptions& options);

// The opposite direction, from what the server makes of it. With kMetadata a
// field that is not in the metadata is also taken from the payload, for servers
// that know it. An unknown type of message or attachment counts as plain text
// or a plain file, and a mention, an attachment or an entry of the metadata
// that makes no sense, or is beyond the limits of limits.h, is left out: what
// was written can still be read. False if the message itself makes no sense,
// with the reason in `*problem`.
bool DecodeMessage(Placement placement, const nlohmann::json& payload,
                   model::Message* message, std::string* problem);

// What the server says of a message beside the message itself. Its number is
// that of the change, else the message's place.
void DecodeChange(const nlohmann::json& payload, MessageReceived* received);

}  // namespace parley::wire

#endif  // DAEMON_WIRE_MESSAGE_CODEC_H_
