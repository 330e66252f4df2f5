#ifndef TESTS_SIM_SERVER_PAYLOAD_H_
#define TESTS_SIM_SERVER_PAYLOAD_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

// What the simulator's server takes and refuses: rules M-1, M-2, E-* of
// tools/realtime_server/PROTOCOL.md.
namespace parley::sim {

// Why a request is refused (rule E).
struct Refusal {
  std::string code;
  std::string message;
  std::optional<int64_t> retry_after_ms;
  nlohmann::json details;  // null: none
};

nlohmann::json RefusalAnswer(const Refusal& refusal);
nlohmann::json SuccessAnswer(const nlohmann::json& data);  // null: no data

// A send that is well-formed.
struct SendRequest {
  std::string room;
  std::string client_id;  // empty: none
  std::optional<std::string> after;
  // The members that make up the content (rule D-3), filled in and cleaned as
  // rule M-7 says; `roomName` among them.
  nlohmann::json content;
};

std::variant<SendRequest, Refusal> ReadSend(const nlohmann::json& payload,
                                            size_t max_message_bytes);

// The room's name in `payload`, or why it is none.
std::variant<std::string, Refusal> ReadRoomName(const nlohmann::json& payload);

Refusal InvalidPayload(absl::string_view field, absl::string_view problem);

}  // namespace parley::sim

#endif  // TESTS_SIM_SERVER_PAYLOAD_H_
