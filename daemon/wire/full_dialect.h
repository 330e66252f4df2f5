#ifndef DAEMON_WIRE_FULL_DIALECT_H_
#define DAEMON_WIRE_FULL_DIALECT_H_

#include "daemon/wire/shared_dialect.h"

namespace parley::wire {

// The dialect of servers that advertise capabilities: every field of a message
// has a place in the payload, and every message has an id.
class FullDialect : public SharedDialect {
 public:
  model::Dialect kind() const override { return model::Dialect::kFull; }
  Request EncodeSend(const model::RoomId& room,
                     const model::ClientMessageId& client_id,
                     const model::MessageContent& content,
                     const SendOptions& options) const override;

 protected:
  bool DecodeMessageEvent(const nlohmann::json& payload,
                          model::Message* message,
                          std::string* problem) const override;
};

}  // namespace parley::wire

#endif  // DAEMON_WIRE_FULL_DIALECT_H_
