#ifndef TESTS_SIM_SERVER_PAYLOAD_H_
#define TESTS_SIM_SERVER_PAYLOAD_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"

// What the simulator's server takes and refuses: rules M-1, M-2, U-3, U-5,
// U-10, U-11, E-* of tools/realtime_server/PROTOCOL.md.
namespace parley::sim {

// Why a request is refused (rule E).
// NOLINTNEXTLINE(bugprone-exception-escape): moving JSON does not throw
struct Refusal {
  std::string code;
  std::string message;
  std::optional<int64_t> retry_after_ms;
  nlohmann::json details;  // null: none
};

nlohmann::json RefusalAnswer(const Refusal& refusal);
nlohmann::json SuccessAnswer(const nlohmann::json& data);  // null: no data

// A refusal as a server makes it by itself: one that is to be asked again later
// says when.
nlohmann::json Refused(const char* code, absl::string_view message,
                       nlohmann::json details = nullptr);

// What counts as the content of a message (rule D-3), out of its message:new.
nlohmann::json ContentOf(const nlohmann::json& event);

// A send that is well-formed.
// NOLINTNEXTLINE(bugprone-exception-escape): moving JSON does not throw
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

// A request to change a message that is well-formed. A member that its event
// does not have is empty.
// NOLINTNEXTLINE(bugprone-exception-escape): moving JSON does not throw
struct ChangeRequest {
  std::string room;
  std::string message_id;
  std::string action_time;
  std::optional<uint64_t> if_version;
  nlohmann::json body;  // what an edit says anew, cleaned as rule M-7 says
  std::string emoji;
};

// `event` is message:edit, message:delete, reaction:add or reaction:remove.
std::variant<ChangeRequest, Refusal> ReadChange(const std::string& event,
                                                const nlohmann::json& payload,
                                                size_t max_message_bytes);

// The id of the device in a CONNECT's payload; empty: it has none (rule C-2).
std::string DeviceIdOf(const nlohmann::json& auth);

// The time on the wire (rule R-7), if that is what the text is.
std::optional<absl::Time> ParseWireTime(const std::string& text);
std::string WireTime(absl::Time time);

// The room's name in `payload`, or why it is none.
std::variant<std::string, Refusal> ReadRoomName(const nlohmann::json& payload);

Refusal InvalidPayload(absl::string_view field, absl::string_view problem);

}  // namespace parley::sim

#endif  // TESTS_SIM_SERVER_PAYLOAD_H_
