#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "daemon/base/check.h"
#include "daemon/storage/rocksdb/wal_reader.h"

// Any file is read to its end, always forward.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using parley::storage::WalReader;
  WalReader reader(
      absl::string_view(reinterpret_cast<const char*>(data), size));
  size_t steps = 0;
  uint64_t last = 0;
  for (;;) {
    // Each step reads or skips a byte at least.
    PARLEY_CHECK(steps++ <= size + 1);
    const WalReader::Result result = reader.Next();
    PARLEY_CHECK(reader.offset() <= size);
    PARLEY_CHECK(reader.offset() >= last);
    last = reader.offset();
    if (result == WalReader::Result::kBatch) continue;
    if (result == WalReader::Result::kEnd && !reader.cut()) return 0;
    if (!reader.SkipToIntact()) return 0;
  }
}
