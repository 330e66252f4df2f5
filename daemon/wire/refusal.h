#ifndef DAEMON_WIRE_REFUSAL_H_
#define DAEMON_WIRE_REFUSAL_H_

#include "absl/strings/string_view.h"
#include "daemon/wire/dialect.h"
#include "nlohmann/json.hpp"

namespace parley::wire {

// The code of a refusal that has none of its own.
inline constexpr char kRefused[] = "REFUSED";

// A namespace CONNECT that the server refused. Of class kAuth unless the
// server says that trying the same again makes sense: a token that was turned
// down must not be sent again.
RequestError DecodeRefusal(absl::string_view message,
                           const nlohmann::json& data);

}  // namespace parley::wire

#endif  // DAEMON_WIRE_REFUSAL_H_
