#include "daemon/wire/field_reader.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "daemon/model/ids.h"
#include "daemon/model/limits.h"

namespace parley::wire {
namespace {

using nlohmann::json;

// The last millisecond of the year 9999: four digits is what ISO 8601 has.
constexpr int64_t kMaxUnixMillis = 253402300799999;

// Longer texts are no times.
constexpr size_t kMaxTimeBytes = 64;

std::optional<uint64_t> WholeNumber(const json& value, uint64_t max) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<uint64_t>();
    if (number <= max) return number;
  } else if (value.is_number_float()) {
    const auto number = value.get<double>();
    if (number >= 0 && number <= static_cast<double>(max) &&
        number == std::floor(number)) {
      return static_cast<uint64_t>(number);
    }
  } else if (value.is_number_integer()) {
    // Parsers make these of negative numbers only, programs of any.
    const auto number = value.get<int64_t>();
    if (number >= 0 && static_cast<uint64_t>(number) <= max) {
      return static_cast<uint64_t>(number);
    }
  }
  return std::nullopt;
}

std::optional<base::WallTime> FromMillis(int64_t millis) {
  if (millis < 0 || millis > kMaxUnixMillis) return std::nullopt;
  return absl::FromUnixMillis(millis);
}

std::optional<base::WallTime> ParseTime(const json& value) {
  if (value.is_number()) {
    const auto millis = value.get<double>();
    if (!(millis >= 0 && millis <= static_cast<double>(kMaxUnixMillis))) {
      return std::nullopt;
    }
    return FromMillis(static_cast<int64_t>(millis));
  }
  if (!value.is_string()) return std::nullopt;
  const std::string& text = value.get_ref<const std::string&>();
  absl::Time time;
  if (text.size() > kMaxTimeBytes ||
      !absl::ParseTime(absl::RFC3339_full, text, &time, nullptr)) {
    return std::nullopt;
  }
  // Abseil also reads "infinite-future"; its milliseconds are out of range.
  return FromMillis(absl::ToUnixMillis(time));
}

}  // namespace

FieldReader::FieldReader(std::string path, const json& object,
                         std::string* problem)
    : path_(std::move(path)), objects_({&object}), problem_(problem) {}

FieldReader FieldReader::Preferring(const json& preferred) const {
  FieldReader reader = *this;
  reader.objects_.insert(reader.objects_.begin(), &preferred);
  return reader;
}

FieldReader::Found FieldReader::Look(Names names) const {
  for (const json* object : objects_) {
    if (!object->is_object()) continue;
    for (const char* name : names) {
      const auto it = object->find(name);
      if (it != object->end() && !it->is_null()) return {name, &*it};
    }
  }
  return {*names.begin(), nullptr};
}

FieldReader FieldReader::Tolerant(std::string* problem) const {
  FieldReader reader = *this;
  reader.problem_ = problem;
  return reader;
}

const json* FieldReader::Find(Names names) const { return Look(names).value; }

std::string FieldReader::Text(Names names, size_t max_bytes) {
  const Found found = Look(names);
  if (found.value == nullptr) return "";
  return TextOf(found.name, *found.value, max_bytes, /*allow_nul=*/true);
}

std::string FieldReader::Name(Names names, size_t max_bytes) {
  const Found found = Look(names);
  if (found.value == nullptr) return "";
  return TextOf(found.name, *found.value, max_bytes, /*allow_nul=*/false);
}

uint64_t FieldReader::Number(Names names, uint64_t max) {
  const Found found = Look(names);
  if (found.value == nullptr) return 0;
  const std::optional<uint64_t> number = WholeNumber(*found.value, max);
  if (!number.has_value()) {
    Fail(found.name, absl::StrCat("is no whole number from 0 to ", max));
  }
  return ok() ? *number : 0;
}

bool FieldReader::Flag(Names names) {
  const Found found = Look(names);
  if (found.value == nullptr) return false;
  if (!found.value->is_boolean()) {
    Fail(found.name, "is neither true nor false");
  }
  return ok() && found.value->get<bool>();
}

std::optional<base::WallTime> FieldReader::Time(Names names) {
  const Found found = Look(names);
  if (found.value == nullptr) return std::nullopt;
  const std::optional<base::WallTime> time = ParseTime(*found.value);
  if (!time.has_value()) {
    Fail(found.name, "is neither an ISO 8601 time nor milliseconds since 1970");
  }
  return ok() ? time : std::nullopt;
}

const json* FieldReader::List(Names names, size_t max_entries) {
  const Found found = Look(names);
  if (found.value == nullptr) return nullptr;
  if (!found.value->is_array()) {
    Fail(found.name, "is no list");
  } else if (found.value->size() > max_entries) {
    Fail(found.name,
         absl::StrCat("has ", found.value->size(), " entries; at most ",
                      max_entries, " are accepted"));
  }
  return ok() ? found.value : nullptr;
}

const json* FieldReader::Object(Names names) {
  const Found found = Look(names);
  if (found.value == nullptr) return nullptr;
  if (!found.value->is_object()) Fail(found.name, "is no object");
  return ok() ? found.value : nullptr;
}

std::string FieldReader::TextOf(absl::string_view what, const json& value,
                                size_t max_bytes, bool allow_nul) {
  if (!value.is_string()) {
    Fail(what, "is no string");
    return "";
  }
  const std::string& text = value.get_ref<const std::string&>();
  if (text.size() > max_bytes) {
    Fail(what, absl::StrCat("has ", text.size(), " bytes; at most ", max_bytes,
                            " are accepted"));
  } else if (!model::IsValidUtf8(text)) {
    Fail(what, "is not valid UTF-8");
  } else if (!allow_nul && text.find('\0') != std::string::npos) {
    Fail(what, "has a NUL character");
  }
  return ok() ? text : "";
}

void FieldReader::Fail(absl::string_view what, absl::string_view problem) {
  if (ok()) *problem_ = absl::StrCat(path_, what, " ", problem);
}

model::RoomId ReadRoom(FieldReader* reader) {
  model::RoomId room(
      reader->Name({"roomName", "channelId"}, model::kMaxRoomIdBytes));
  if (room.empty()) reader->Fail("roomName", "is missing");
  return room;
}

model::UserId ReadUser(FieldReader* reader) {
  if (reader->Find({"userId"}) == nullptr) {
    if (const json* user = reader->Object({"user"})) {
      FieldReader member(absl::StrCat(reader->path(), "user."), *user,
                         reader->problem());
      return model::UserId(member.Name({"id"}, model::kMaxForeignIdBytes));
    }
  }
  return model::UserId(reader->Name({"userId"}, model::kMaxForeignIdBytes));
}

model::MessageId ReadMessageId(FieldReader* reader) {
  return model::MessageId(reader->Name({"messageId", "serverMessageId", "id"},
                                       model::kMaxForeignIdBytes));
}

}  // namespace parley::wire
