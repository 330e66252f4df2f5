#ifndef DAEMON_BASE_JSON_H_
#define DAEMON_BASE_JSON_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

// JSON that strangers wrote.
namespace parley::base {

// Parses one JSON value and nothing else. INVALID_ARGUMENT, in words for a
// person that do not quote the text, if it is not JSON, is not UTF-8 or has a
// number beyond a double; OUT_OF_RANGE if it nests deeper than `max_depth`.
//
// Where JSON leaves the meaning open:
//  - Of repeated members of an object the last one counts.
//  - Whole numbers are exact up to 64 bits and become doubles beyond.
//  - Half of a surrogate pair in an escape becomes U+FFFD. JavaScript writes
//    such halves when someone cuts a string through an emoji: refusing the
//    text would let one such message break every reader for ever.
absl::StatusOr<nlohmann::json> ParseJson(absl::string_view text, int max_depth);

// Without white space. Broken UTF-8 in strings becomes U+FFFD. The value must
// be one whose depth is bounded: writing it is recursive.
std::string DumpJson(const nlohmann::json& value);

}  // namespace parley::base

#endif  // DAEMON_BASE_JSON_H_
