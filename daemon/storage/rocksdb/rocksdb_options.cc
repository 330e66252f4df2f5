#include "daemon/storage/rocksdb/rocksdb_options.h"

#include <memory>

#include "rocksdb/cache.h"
#include "rocksdb/listener.h"
#include "rocksdb/table.h"
#include "rocksdb/utilities/table_properties_collectors.h"

namespace parley::storage {
namespace {

constexpr size_t kKiB = 1024;
constexpr size_t kMiB = 1024 * kKiB;

// Has RocksDB leave recovery from errors to Recover, whose caller must know
// when it happens.
class NoAutoRecovery : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }
};

}  // namespace

rocksdb::Options MakeRocksDbOptions(rocksdb::Env* env) {
  rocksdb::Options options;
  options.env = env;
  options.create_if_missing = true;
  // A cut tail is what a kill leaves; all else was looked at before.
  options.wal_recovery_mode =
      rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // What was replayed is on the disk before anyone reads it.
  options.avoid_flush_during_recovery = false;
  options.paranoid_checks = true;

  // Memory.
  options.write_buffer_size = 512 * kKiB;
  options.max_write_buffer_number = 2;
  options.arena_block_size = 32 * kKiB;
  options.max_open_files = 32;
  rocksdb::BlockBasedTableOptions table;
  // Indexes count against the cache, so that a large store takes no more than a
  // small one. Filters would push them out of it, and measure no better.
  table.block_cache = rocksdb::NewLRUCache(1 * kMiB, /*num_shard_bits=*/0);
  table.cache_index_and_filter_blocks = true;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));

  // Disk. A small log makes a quick start after a kill.
  options.max_total_wal_size = 4 * kMiB;
  options.target_file_size_base = 2 * kMiB;
  options.max_bytes_for_level_base = 8 * kMiB;
  options.compression = rocksdb::kNoCompression;
  // A drained queue is mostly deletions, which reads have to wade through.
  options.table_properties_collector_factories.push_back(
      rocksdb::NewCompactOnDeletionCollectorFactory(/*sliding_window_size=*/512,
                                                    /*deletion_trigger=*/256));

  // Threads and wakeups.
  options.max_background_jobs = 1;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.max_bgerror_resume_count = 0;
  options.listeners.push_back(std::make_shared<NoAutoRecovery>());

  // RocksDB's own log: what went wrong, no keys, half a megabyte at most.
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.max_log_file_size = 256 * kKiB;
  options.keep_log_file_num = 2;
  return options;
}

}  // namespace parley::storage
