#ifndef DAEMON_WIRE_ANSWERS_H_
#define DAEMON_WIRE_ANSWERS_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "daemon/wire/dialect.h"
#include "nlohmann/json.hpp"

// Answers to requests. All dialects have the same ones:
//
//   {success: true, data?}
//   {success: false, error: {code, message, retryAfterMs?}}
namespace parley::wire {

// The code of an answer of any other shape.
inline constexpr char kMalformedAnswer[] = "MALFORMED_ANSWER";
// What is kept of a server's words; the rest is cut off, visibly.
inline constexpr size_t kMaxErrorWordsBytes = 1024;
inline constexpr size_t kMaxErrorCodeBytes = 64;
// A server that asks for more patience gets this much.
inline constexpr absl::Duration kMaxRetryAfter = absl::Hours(1);

// A code that is not known counts as transient: sending the same again is
// harmless, and ends by the number of failures.
ErrorClass ClassOfCode(absl::string_view code);

// `retryAfterMs` of an object; absent if it makes no sense.
std::optional<absl::Duration> RetryAfterOf(const nlohmann::json& error);

// At most kMaxErrorWordsBytes of `words`, which are UTF-8, with "..." at the
// end if there were more.
std::string CutWords(absl::string_view words);

Answer DecodeAnswer(const nlohmann::json& args);

// Of the data of a success. It is one whatever its data is: a part that makes
// no sense counts as absent.
SendResult DecodeSendResult(const nlohmann::json& data);
JoinResult DecodeJoinResult(const nlohmann::json& data);

}  // namespace parley::wire

#endif  // DAEMON_WIRE_ANSWERS_H_
