#include "daemon/storage/rocksdb/wal_reader.h"

#include <algorithm>
#include <cstddef>

#include "daemon/storage/crc32c.h"
#include "daemon/storage/rocksdb/sync_mark.h"

namespace parley::storage {
namespace {

constexpr uint64_t kBlockBytes = 32 * 1024;
constexpr uint64_t kHeaderBytes = 7;
constexpr size_t kBatchHeaderBytes = 12;

enum FragmentType : char { kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4 };

// A batch's entry that only the log keeps.
constexpr char kLogDataEntry = 3;

uint64_t ReadNumber(absl::string_view bytes) {
  uint64_t number = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    number |= uint64_t{static_cast<uint8_t>(bytes[i])} << (8 * i);
  }
  return number;
}

// RocksDB stores checksums so that a checksum of them is not one of the data.
uint32_t Mask(uint32_t crc) {
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

bool AllZeros(absl::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](char c) { return c == '\0'; });
}

uint64_t BytesLeftInBlock(uint64_t position) {
  return kBlockBytes - position % kBlockBytes;
}

bool ParseBatch(absl::string_view payload, WalBatch* batch) {
  if (payload.size() < kBatchHeaderBytes) return false;
  batch->sequence = ReadNumber(payload.substr(0, 8));
  batch->count = static_cast<uint32_t>(ReadNumber(payload.substr(8, 4)));
  batch->synced.reset();
  payload.remove_prefix(kBatchHeaderBytes);
  if (payload.size() < 2 || payload[0] != kLogDataEntry ||
      static_cast<uint8_t>(payload[1]) != kSyncMarkBytes) {
    return true;
  }
  batch->synced = ParseSyncMark(payload.substr(2, kSyncMarkBytes));
  return true;
}

}  // namespace

WalReader::Result WalReader::Next() {
  std::string assembled;
  bool in_parts = false;
  for (;;) {
    Record record;
    const Result result = ReadRecord(&record);
    if (!in_parts) offset_ = record.place;
    resume_ = record.place + 1;
    if (result != Result::kBatch) {
      // The rest of a batch that ends the file: cut off with it.
      if (result == Result::kEnd && in_parts) cut_ = true;
      return result;
    }
    const bool continues = record.type == kMiddle || record.type == kLast;
    if (continues != in_parts) {
      // A part without a beginning is left out; a beginning starts anew.
      resume_ = continues ? position_ : record.place;
      return Result::kBad;
    }
    assembled.append(record.payload.data(), record.payload.size());
    if (record.type == kFull || record.type == kLast) {
      if (ParseBatch(assembled, &batch_)) return Result::kBatch;
      resume_ = position_;
      return Result::kBad;
    }
    in_parts = true;
  }
}

WalReader::Result WalReader::ReadRecord(Record* record) {
  cut_ = false;
  if (BytesLeftInBlock(position_) < kHeaderBytes) {
    position_ = std::min<uint64_t>(position_ + BytesLeftInBlock(position_),
                                   file_.size());
  }
  record->place = position_;
  if (position_ == file_.size()) return Result::kEnd;
  const absl::string_view rest = file_.substr(position_);
  if (AllZeros(rest)) {
    cut_ = true;
    return Result::kEnd;
  }
  const std::optional<Record> found = IntactRecordAt(position_);
  if (found.has_value()) {
    *record = *found;
    position_ += kHeaderBytes + found->payload.size();
    return Result::kBatch;
  }
  // Cut off: what its header asks for is past the end of the file.
  const bool in_last_block = rest.size() < BytesLeftInBlock(position_);
  if (in_last_block &&
      (rest.size() < kHeaderBytes ||
       (rest[6] >= kFull && rest[6] <= kLast &&
        kHeaderBytes + ReadNumber(rest.substr(4, 2)) > rest.size()))) {
    cut_ = true;
    return Result::kEnd;
  }
  return Result::kBad;
}

std::optional<WalReader::Record> WalReader::IntactRecordAt(
    uint64_t place) const {
  const absl::string_view rest = file_.substr(place);
  if (rest.size() < kHeaderBytes) return std::nullopt;
  const char type = rest[6];
  if (type < kFull || type > kLast) return std::nullopt;
  const uint64_t length = ReadNumber(rest.substr(4, 2));
  if (kHeaderBytes + length >
      std::min<uint64_t>(rest.size(), BytesLeftInBlock(place))) {
    return std::nullopt;
  }
  const auto stored = static_cast<uint32_t>(ReadNumber(rest.substr(0, 4)));
  if (Mask(Crc32c(rest.substr(6, 1 + length))) != stored) return std::nullopt;
  return Record{place, type, rest.substr(kHeaderBytes, length)};
}

bool WalReader::SkipToIntact() {
  for (uint64_t place = resume_; place < file_.size(); ++place) {
    const std::optional<Record> record = IntactRecordAt(place);
    if (!record.has_value()) continue;
    position_ = place;
    return true;
  }
  position_ = file_.size();
  return false;
}

}  // namespace parley::storage
