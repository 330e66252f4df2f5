#ifndef DAEMON_STORAGE_READ_RECORD_H_
#define DAEMON_STORAGE_READ_RECORD_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/storage/records.h"
#include "daemon/storage/store.h"

// Reads of one record, shared by tables and queries.
namespace parley::storage {

template <typename T>
using Decoder = absl::StatusOr<T> (*)(absl::string_view key,
                                      absl::string_view value);

// The record under `key`, if there is one.
template <typename T>
absl::StatusOr<std::optional<T>> ReadRecord(const StoreReader& reader,
                                            absl::string_view key,
                                            Decoder<T> decode) {
  const auto value = reader.Get(key);
  if (!value.ok()) return value.status();
  if (!value->has_value()) return std::optional<T>();
  absl::StatusOr<T> record = decode(key, **value);
  if (!record.ok()) return record.status();
  return std::optional<T>(*std::move(record));
}

// The record under `key`, which another row says is there.
template <typename T>
absl::StatusOr<T> ReadExisting(const StoreReader& reader, absl::string_view key,
                               Decoder<T> decode) {
  absl::StatusOr<std::optional<T>> record = ReadRecord(reader, key, decode);
  if (!record.ok()) return record.status();
  if (!record->has_value()) return DamagedRecord(key, "it is missing");
  return **std::move(record);
}

// The primary key that an index row holds, if there is one.
absl::StatusOr<std::optional<std::string>> ReadIndex(const StoreReader& reader,
                                                     absl::string_view key);

// The record that an index row leads to, if there is one.
template <typename T>
absl::StatusOr<std::optional<T>> ReadThroughIndex(const StoreReader& reader,
                                                  absl::string_view index_key,
                                                  Decoder<T> decode) {
  const auto key = ReadIndex(reader, index_key);
  if (!key.ok()) return key.status();
  if (!key->has_value()) return std::optional<T>();
  absl::StatusOr<T> record = ReadExisting(reader, **key, decode);
  if (!record.ok()) return record.status();
  return std::optional<T>(*std::move(record));
}

}  // namespace parley::storage

#endif  // DAEMON_STORAGE_READ_RECORD_H_
