#include "daemon/storage/record_frame.h"

#include "absl/strings/str_cat.h"
#include "daemon/storage/crc32c.h"
#include "daemon/storage/records.h"

namespace parley::storage {
namespace {

constexpr size_t kChecksumBytes = 4;

uint32_t Checksum(absl::string_view key, absl::string_view covered) {
  return Crc32c(covered, Crc32c(key));
}

uint32_t ReadLittleEndian(absl::string_view bytes) {
  uint32_t number = 0;
  for (size_t i = 0; i < kChecksumBytes; ++i) {
    number |= uint32_t{static_cast<uint8_t>(bytes[i])} << (8 * i);
  }
  return number;
}

}  // namespace

absl::Status DamagedRecord(absl::string_view key, absl::string_view what) {
  return absl::DataLossError(
      absl::StrCat("the store is damaged at ", DescribeKey(key), ": ", what));
}

std::string SealRecord(absl::string_view key, absl::string_view body) {
  std::string value = internal::StartValue();
  absl::StrAppend(&value, body);
  internal::AppendChecksum(key, &value);
  return value;
}

absl::StatusOr<absl::string_view> OpenRecord(absl::string_view key,
                                             absl::string_view value) {
  if (value.size() < 1 + kChecksumBytes) {
    return DamagedRecord(key,
                         absl::StrCat("it has only ", value.size(), " bytes"));
  }
  const absl::string_view covered =
      value.substr(0, value.size() - kChecksumBytes);
  if (Checksum(key, covered) !=
      ReadLittleEndian(value.substr(covered.size()))) {
    return DamagedRecord(key, "its checksum does not match");
  }
  const auto format = static_cast<uint8_t>(covered.front());
  if (format != kRecordFormat) {
    return DamagedRecord(key, absl::StrCat("record format ", format,
                                           " is not known to this version"));
  }
  return covered.substr(1);
}

namespace internal {

std::string StartValue() {
  return std::string(1, static_cast<char>(kRecordFormat));
}

void AppendChecksum(absl::string_view key, std::string* value) {
  const uint32_t crc = Checksum(key, *value);
  for (size_t i = 0; i < kChecksumBytes; ++i) {
    value->push_back(static_cast<char>(crc >> (8 * i)));
  }
}

absl::Status NotAMessage(absl::string_view key) {
  return DamagedRecord(key, "its contents cannot be read");
}

absl::Status UnknownEnum(absl::string_view key, absl::string_view field,
                         uint32_t number) {
  return DamagedRecord(key,
                       absl::StrCat(field, " has the unknown value ", number));
}

}  // namespace internal
}  // namespace parley::storage
