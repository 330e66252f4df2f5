#ifndef TESTS_SIM_SOCKETIO_TEXT_H_
#define TESTS_SIM_SOCKETIO_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

// Engine.IO 4 and Socket.IO 5 text frames, as far as the simulator's server and
// its auditor need them. Written apart from the daemon's codec on purpose: one
// that misreads a frame must not be judged by itself.
namespace parley::sim {

// NOLINTNEXTLINE(bugprone-exception-escape): moving JSON does not throw
struct Frame {
  enum class Kind {
    kOpen,            // 0{...}
    kEngineClose,     // 1
    kPing,            // 2
    kPong,            // 3
    kConnect,         // 40{...}
    kDisconnect,      // 41
    kEvent,           // 42[...], 42<id>[...]
    kAck,             // 43<id>[...]
    kConnectRefused,  // 44{...}
    kGarbage,         // anything else
  };
  Kind kind = Kind::kGarbage;
  std::optional<uint64_t> ack_id;
  nlohmann::json data;  // null where there is none

  // Of an event; empty and null otherwise.
  std::string event() const;
  const nlohmann::json& payload() const;
};

Frame ParseFrame(absl::string_view text);

std::string EventFrame(absl::string_view event, const nlohmann::json& payload);
std::string AckFrame(uint64_t id, const nlohmann::json& answer);
// `prefix` is the packet type, for example "40".
std::string PlainFrame(absl::string_view prefix, const nlohmann::json& data);

// The member, or null; also for what is no object.
const nlohmann::json& Member(const nlohmann::json& object, const char* name);
// The string member, or "".
std::string TextMember(const nlohmann::json& object, const char* name);

}  // namespace parley::sim

#endif  // TESTS_SIM_SOCKETIO_TEXT_H_
