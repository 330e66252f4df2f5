#include "daemon/wire/answers.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/model/ids.h"
#include "daemon/wire/field_reader.h"

namespace parley::wire {
namespace {

using nlohmann::json;

constexpr struct {
  absl::string_view code;
  ErrorClass error_class;
} kCodes[] = {
    {"INVALID_PAYLOAD", ErrorClass::kPermanent},
    {"ROOM_NOT_FOUND", ErrorClass::kPermanent},
    {"NOT_IN_ROOM", ErrorClass::kPermanent},
    {"FORBIDDEN", ErrorClass::kPermanent},
    {"MESSAGE_TOO_LARGE", ErrorClass::kPermanent},
    {"IDEMPOTENCY_MISMATCH", ErrorClass::kPermanent},
    {"UNSUPPORTED", ErrorClass::kPermanent},
    {"EPOCH_CHANGED", ErrorClass::kPermanent},  // for the same cursor
    {"OUT_OF_ORDER", ErrorClass::kOutOfOrder},
    {"UNAUTHENTICATED", ErrorClass::kAuth},
};

constexpr struct {
  absl::string_view name;
  model::RoomKind kind;
} kRoomKinds[] = {
    {"channel", model::RoomKind::kChannel},
    {"dm", model::RoomKind::kDirect},
    {"group", model::RoomKind::kGroup},
    {"thread", model::RoomKind::kThread},
    {"broadcast", model::RoomKind::kBroadcast},
};

Answer Malformed(absl::string_view problem) {
  Answer answer;
  answer.error = RequestError{
      ErrorClass::kUnknown, kMalformedAnswer,
      absl::StrCat("the server's answer makes no sense: ", problem),
      std::nullopt};
  return answer;
}

}  // namespace

ErrorClass ClassOfCode(absl::string_view code) {
  for (const auto& entry : kCodes) {
    if (entry.code == code) return entry.error_class;
  }
  return ErrorClass::kTransient;
}

std::optional<absl::Duration> RetryAfterOf(const json& error) {
  if (!error.is_object()) return std::nullopt;
  const auto it = error.find("retryAfterMs");
  if (it == error.end() || !it->is_number()) return std::nullopt;
  const auto ms = it->get<double>();
  if (!(ms >= 0)) return std::nullopt;
  // Clamped first: the conversion of a double beyond int64_t is undefined.
  return absl::Milliseconds(static_cast<int64_t>(
      std::min(ms, absl::ToDoubleMilliseconds(kMaxRetryAfter))));
}

std::string CutWords(absl::string_view words) {
  if (words.size() <= kMaxErrorWordsBytes) return std::string(words);
  constexpr absl::string_view kEllipsis = "...";
  size_t end = kMaxErrorWordsBytes - kEllipsis.size();
  // Not inside a character.
  while (end > 0 && (static_cast<uint8_t>(words[end]) & 0xc0) == 0x80) --end;
  return absl::StrCat(words.substr(0, end), kEllipsis);
}

Answer DecodeAnswer(const json& args) {
  if (!args.is_array() || args.empty() || !args.front().is_object()) {
    return Malformed("it is no object");
  }
  const json& envelope = args.front();
  const auto success = envelope.find("success");
  if (success == envelope.end() || !success->is_boolean()) {
    return Malformed("it does not say whether it is a success");
  }
  Answer answer;
  if (success->get<bool>()) {
    const auto data = envelope.find("data");
    if (data != envelope.end()) answer.data = *data;
    return answer;
  }
  const auto error = envelope.find("error");
  if (error == envelope.end() || !error->is_object()) {
    return Malformed("a failure without an error");
  }
  std::string problem;
  FieldReader reader("error.", *error, &problem);
  RequestError result;
  result.code = reader.Name({"code"}, kMaxErrorCodeBytes);
  if (result.code.empty()) reader.Fail("code", "is missing");
  result.message =
      CutWords(reader.Text({"message"}, std::numeric_limits<size_t>::max()));
  if (!reader.ok()) return Malformed(problem);
  result.error_class = ClassOfCode(result.code);
  result.retry_after = RetryAfterOf(*error);
  answer.error = std::move(result);
  return answer;
}

SendResult DecodeSendResult(const json& data) {
  SendResult result;
  std::string problems[4];
  FieldReader id("", data, &problems[0]);
  FieldReader seq("", data, &problems[1]);
  FieldReader time("", data, &problems[2]);
  FieldReader duplicate("", data, &problems[3]);
  result.id = ReadMessageId(&id);
  result.room_seq = seq.Number({"seq"});
  result.sent_at = time.Time({"timestamp", "sentAt", "createdAt"});
  result.duplicate = duplicate.Flag({"duplicate"});
  return result;
}

JoinResult DecodeJoinResult(const json& data) {
  JoinResult result;
  std::string problems[3];
  FieldReader type("", data, &problems[0]);
  FieldReader count("", data, &problems[1]);
  FieldReader last("", data, &problems[2]);
  const std::string name =
      type.Name({"type"}, std::numeric_limits<size_t>::max());
  for (const auto& entry : kRoomKinds) {
    if (entry.name == name) result.kind = entry.kind;
  }
  result.member_count = static_cast<uint32_t>(
      count.Number({"memberCount"}, std::numeric_limits<uint32_t>::max()));
  if (last.Find({"lastChange", "lastSeq"}) != nullptr) {
    const uint64_t change = last.Number({"lastChange", "lastSeq"});
    if (last.ok()) result.last_change = change;
  }
  return result;
}

}  // namespace parley::wire
