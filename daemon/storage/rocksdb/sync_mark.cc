#include "daemon/storage/rocksdb/sync_mark.h"

namespace parley::storage {
namespace {

constexpr char kMagic[] = {'S', 'Y'};

}  // namespace

std::string MakeSyncMark(uint64_t synced) {
  std::string mark(kMagic, sizeof(kMagic));
  for (int shift = 0; shift < 64; shift += 8) {
    mark.push_back(static_cast<char>(synced >> shift));
  }
  return mark;
}

std::optional<uint64_t> ParseSyncMark(absl::string_view bytes) {
  if (bytes.size() != kSyncMarkBytes ||
      bytes.substr(0, sizeof(kMagic)) !=
          absl::string_view(kMagic, sizeof(kMagic))) {
    return std::nullopt;
  }
  uint64_t synced = 0;
  for (size_t i = sizeof(kMagic); i < kSyncMarkBytes; ++i) {
    synced |= uint64_t{static_cast<uint8_t>(bytes[i])}
              << (8 * (i - sizeof(kMagic)));
  }
  return synced;
}

}  // namespace parley::storage
