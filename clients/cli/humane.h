#ifndef CLIENTS_CLI_HUMANE_H_
#define CLIENTS_CLI_HUMANE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

// How values are written for people, and read from them.
namespace parley::cli {

// "500ms", "30s", "1m", "1h30m", "7d": more than nothing, at most 10,000 days.
// INVALID_ARGUMENT says what is wrong with anything else.
absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text);

// "<1 s", "12 s", "3 min", "5 h", "3 d"; rounded down.
std::string HumaneDuration(absl::Duration duration);

// The clock on the same day, else with the date, else with the year.
std::string HumaneTime(absl::Time time, absl::Time now, absl::TimeZone zone);

// "512 B", "1.2 KiB", "64 MiB".
std::string HumaneBytes(uint64_t bytes);

// "1 room", "3 rooms".
std::string Count(int64_t number, absl::string_view one,
                  absl::string_view many);

// The name of an enum's value without its prefix, in small letters:
// "possibly sent" of CANCEL_OUTCOME_POSSIBLY_SENT and "CANCEL_OUTCOME_".
std::string EnumWord(absl::string_view name, absl::string_view prefix);

// Text that others wrote, on one line and harmless to a terminal: control
// characters become '.', line breaks and tabs a space.
std::string OneLine(absl::string_view text);

// Whether this is well-formed UTF-8 (RFC 3629).
bool IsUtf8(absl::string_view text);

// Columns that a terminal needs for text without control characters.
size_t DisplayWidth(absl::string_view text);

absl::Time ToTime(const google::protobuf::Timestamp& timestamp);
absl::Duration ToDuration(const google::protobuf::Duration& duration);
google::protobuf::Duration ToProto(absl::Duration duration);

}  // namespace parley::cli

#endif  // CLIENTS_CLI_HUMANE_H_
