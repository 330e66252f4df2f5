#ifndef DAEMON_WIRE_SHARED_DIALECT_H_
#define DAEMON_WIRE_SHARED_DIALECT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "daemon/model/ids.h"
#include "daemon/model/message.h"
#include "daemon/wire/dialect.h"
#include "nlohmann/json.hpp"

namespace parley::wire {

// What all dialects have in common: the events' names, rooms and answers.
class SharedDialect : public Dialect {
 public:
  ServerEvent DecodeEvent(absl::string_view name,
                          const nlohmann::json& args) const final;
  Answer DecodeAnswer(const nlohmann::json& args) const final;
  SendResult DecodeSendResult(const nlohmann::json& data) const final;
  JoinResult DecodeJoinResult(const nlohmann::json& data) const final;
  Request EncodeJoin(const model::RoomId& room) const final;
  Request EncodeLeave(const model::RoomId& room) const final;

 protected:
  // False if `payload`, an object, makes no sense, with the reason in
  // `*problem`.
  virtual bool DecodeMessageEvent(const nlohmann::json& payload,
                                  model::Message* message,
                                  std::string* problem) const = 0;
};

}  // namespace parley::wire

#endif  // DAEMON_WIRE_SHARED_DIALECT_H_
