#ifndef DAEMON_WIRE_READY_H_
#define DAEMON_WIRE_READY_H_

#include <cstddef>
#include <string>

#include "daemon/wire/dialect.h"
#include "nlohmann/json.hpp"

namespace parley::wire {

// More than any server has ever advertised.
inline constexpr size_t kMaxCapabilities = 256;
inline constexpr size_t kMaxCapabilityBytes = 128;
inline constexpr size_t kMaxVersionBytes = 64;

// The payload of the ready event. One without a list of capabilities is of the
// plugin dialect, whose servers can do none of them. False if it makes no
// sense, with the reason in `*problem`.
bool DecodeReady(const nlohmann::json& payload, Ready* ready,
                 std::string* problem);

}  // namespace parley::wire

#endif  // DAEMON_WIRE_READY_H_
