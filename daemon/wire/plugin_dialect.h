#ifndef DAEMON_WIRE_PLUGIN_DIALECT_H_
#define DAEMON_WIRE_PLUGIN_DIALECT_H_

#include "daemon/wire/shared_dialect.h"

namespace parley::wire {

// The dialect of servers that advertise nothing. They relay room, sender, text,
// thread and metadata, give a message no id and drop every other field. What
// they drop travels in the metadata, so that Parley's users have it all; of
// other clients' messages only what is there is known.
class PluginDialect : public SharedDialect {
 public:
  model::Dialect kind() const override { return model::Dialect::kPlugin; }
  // `options.after` has no meaning there.
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

#endif  // DAEMON_WIRE_PLUGIN_DIALECT_H_
