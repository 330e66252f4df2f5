#include "daemon/storage/read_record.h"

namespace parley::storage {

absl::StatusOr<std::optional<std::string>> ReadIndex(const StoreReader& reader,
                                                     absl::string_view key) {
  const auto value = reader.Get(key);
  if (!value.ok()) return value.status();
  if (!value->has_value()) return std::optional<std::string>();
  const absl::StatusOr<absl::string_view> body = OpenRecord(key, **value);
  if (!body.ok()) return body.status();
  return std::optional<std::string>(*body);
}

}  // namespace parley::storage
