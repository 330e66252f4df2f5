#ifndef DAEMON_STORAGE_ROCKSDB_WAL_READER_H_
#define DAEMON_STORAGE_ROCKSDB_WAL_READER_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace parley::storage {

// One write batch of a RocksDB log file, as far as recovery needs it.
struct WalBatch {
  uint64_t sequence = 0;  // of its first write
  uint32_t count = 0;     // sequence numbers that it uses
  // From MakeSyncMark; absent in a batch without a mark.
  std::optional<uint64_t> synced;
};

// Reads the batches of one log file. RocksDB's format: blocks of 32 KiB, in
// them records
//
//   4 bytes  masked CRC-32C of type and payload
//   2 bytes  length of the payload
//   1 byte   type: 1 whole batch, 2 first, 3 middle, 4 last part of one
//
// and no record header in the last 6 bytes of a block.
class WalReader {
 public:
  enum class Result {
    kBatch,  // batch() is the next one
    kEnd,    // all was read; perhaps a record is cut off by the file's end
    kBad,    // what is at offset() is no record
  };

  explicit WalReader(absl::string_view file) : file_(file) {}

  Result Next();
  const WalBatch& batch() const { return batch_; }
  // Where the batch that Next last returned, or failed to read, starts.
  uint64_t offset() const { return offset_; }
  // True at kEnd when a record, or zeros, stand behind the last batch.
  bool cut() const { return cut_; }

  // After kBad, or after kEnd with cut(): finds the next record that is intact,
  // at whatever place, as a bad length leaves nothing aligned. False: there is
  // none. True: Next goes on there.
  bool SkipToIntact();

 private:
  struct Record {
    uint64_t place = 0;
    char type = 0;
    absl::string_view payload;
  };

  Result ReadRecord(Record* record);
  std::optional<Record> IntactRecordAt(uint64_t place) const;

  const absl::string_view file_;
  uint64_t position_ = 0;
  uint64_t offset_ = 0;
  uint64_t resume_ = 0;  // where SkipToIntact starts to look
  WalBatch batch_;
  bool cut_ = false;
};

}  // namespace parley::storage

#endif  // DAEMON_STORAGE_ROCKSDB_WAL_READER_H_
