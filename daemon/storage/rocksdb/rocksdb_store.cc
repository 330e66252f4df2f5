#include "daemon/storage/rocksdb/rocksdb_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "daemon/storage/rocksdb/rocksdb_options.h"
#include "daemon/storage/rocksdb/status.h"
#include "daemon/storage/rocksdb/store_directory.h"
#include "daemon/storage/rocksdb/sync_mark.h"
#include "daemon/storage/rocksdb/wal_inspection.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "rocksdb/file_system.h"
#include "rocksdb/write_batch.h"

namespace parley::storage {
namespace {

rocksdb::Slice ToSlice(absl::string_view text) {
  return {text.data(), text.size()};
}

absl::StatusOr<std::optional<std::string>> GetRow(
    rocksdb::DB* db, const rocksdb::Snapshot* snapshot, absl::string_view key) {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  std::string value;
  const rocksdb::Status status = db->Get(options, ToSlice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return ToStatus(status, "cannot read the store");
  return std::optional<std::string>(std::move(value));
}

absl::StatusOr<std::vector<Row>> ScanRows(rocksdb::DB* db,
                                          const rocksdb::Snapshot* snapshot,
                                          absl::string_view begin,
                                          absl::string_view end, size_t limit,
                                          ScanOrder order) {
  std::vector<Row> rows;
  if (limit == 0 || (!end.empty() && begin >= end)) return rows;
  const rocksdb::Slice lower = ToSlice(begin);
  const rocksdb::Slice upper = ToSlice(end);
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  if (!begin.empty()) options.iterate_lower_bound = &lower;
  if (!end.empty()) options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(options));
  const bool ascending = order == ScanOrder::kAscending;
  if (ascending) {
    it->SeekToFirst();
  } else {
    it->SeekToLast();
  }
  while (it->Valid() && rows.size() < limit) {
    rows.push_back({it->key().ToString(), it->value().ToString()});
    if (rows.size() == limit) break;
    if (ascending) {
      it->Next();
    } else {
      it->Prev();
    }
  }
  if (!it->status().ok()) {
    return ToStatus(it->status(), "cannot read the store");
  }
  return rows;
}

absl::Status Closed() {
  return absl::UnavailableError(
      "the store is closed after an error and could not be opened again yet");
}

absl::Status NeedsRecovery() {
  return absl::FailedPreconditionError(
      "a write to the store failed; it must recover first");
}

}  // namespace

// One opening of the database: what readers hold on to.
class RocksDbStore::Instance {
 public:
  Instance(std::unique_ptr<rocksdb::Env> env, std::unique_ptr<rocksdb::DB> db)
      : env_(std::move(env)), db_(std::move(db)) {}

  rocksdb::DB* db() const { return db_.get(); }

 private:
  // Null: the machine's. Outlives db_.
  const std::unique_ptr<rocksdb::Env> env_;
  const std::unique_ptr<rocksdb::DB> db_;
};

class RocksDbStore::Snapshot : public StoreReader {
 public:
  explicit Snapshot(std::shared_ptr<Instance> instance)
      : instance_(std::move(instance)) {
    if (instance_ != nullptr) snapshot_ = instance_->db()->GetSnapshot();
  }
  ~Snapshot() override {
    if (instance_ != nullptr) instance_->db()->ReleaseSnapshot(snapshot_);
  }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  absl::StatusOr<std::optional<std::string>> Get(
      absl::string_view key) const override {
    if (instance_ == nullptr) return Closed();
    return GetRow(instance_->db(), snapshot_, key);
  }
  absl::StatusOr<std::vector<Row>> Scan(absl::string_view begin,
                                        absl::string_view end, size_t limit,
                                        ScanOrder order) const override {
    if (instance_ == nullptr) return Closed();
    return ScanRows(instance_->db(), snapshot_, begin, end, limit, order);
  }

 private:
  const std::shared_ptr<Instance> instance_;
  const rocksdb::Snapshot* snapshot_ = nullptr;
};

absl::StatusOr<std::unique_ptr<RocksDbStore>> RocksDbStore::Open(
    const std::string& directory, const Options& options) {
  std::unique_ptr<RocksDbStore> store(new RocksDbStore(directory, options));
  if (absl::Status status = store->OpenInstance(); !status.ok()) return status;
  return store;
}

RocksDbStore::RocksDbStore(std::string directory, const Options& options)
    : directory_(std::move(directory)), options_(options) {}

RocksDbStore::~RocksDbStore() = default;

absl::Status RocksDbStore::OpenInstance() {
  recovery_report_ = RecoveryReport();
  std::shared_ptr<rocksdb::FileSystem> file_system = options_.file_system;
  std::unique_ptr<rocksdb::Env> env;
  if (file_system == nullptr) {
    file_system = rocksdb::FileSystem::Default();
  } else {
    env = rocksdb::NewCompositeEnv(file_system);
  }
  // Held while the log is looked at and mended, and given to RocksDB then.
  absl::StatusOr<DirectoryLock> lock =
      DirectoryLock::Acquire(file_system.get(), directory_);
  if (!lock.ok()) return lock.status();
  absl::StatusOr<RecoveryReport> report =
      MendDirectory(file_system.get(), directory_);
  if (!report.ok()) return report.status();
  lock->Release();

  const rocksdb::Options options =
      MakeRocksDbOptions(env != nullptr ? env.get() : rocksdb::Env::Default());
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::Open(options, directory_, &opened);
  std::unique_ptr<rocksdb::DB> db(opened);
  if (!status.ok()) return OpenError(status, directory_);
  recovery_report_ = *std::move(report);
  // What was replayed has been flushed.
  synced_ = db->GetLatestSequenceNumber();
  failed_ = false;
  base::MutexLock guard(&mutex_);
  instance_ = std::make_shared<Instance>(std::move(env), std::move(db));
  return absl::OkStatus();
}

std::shared_ptr<RocksDbStore::Instance> RocksDbStore::instance() const {
  base::MutexLock lock(&mutex_);
  return instance_;
}

absl::StatusOr<std::optional<std::string>> RocksDbStore::Get(
    absl::string_view key) const {
  const std::shared_ptr<Instance> current = instance();
  if (current == nullptr) return Closed();
  return GetRow(current->db(), nullptr, key);
}

absl::StatusOr<std::vector<Row>> RocksDbStore::Scan(absl::string_view begin,
                                                    absl::string_view end,
                                                    size_t limit,
                                                    ScanOrder order) const {
  const std::shared_ptr<Instance> current = instance();
  if (current == nullptr) return Closed();
  return ScanRows(current->db(), nullptr, begin, end, limit, order);
}

std::unique_ptr<StoreReader> RocksDbStore::NewSnapshot() const {
  return std::make_unique<Snapshot>(instance());
}

absl::Status RocksDbStore::Commit(
    const std::vector<Transaction>& transactions) {
  const std::shared_ptr<Instance> current = instance();
  if (failed_ || current == nullptr) return NeedsRecovery();
  rocksdb::WriteBatch batch;
  rocksdb::WriteOptions options;
  rocksdb::Status status = batch.PutLogData(MakeSyncMark(synced_));
  for (const Transaction& transaction : transactions) {
    if (transaction.durability == Durability::kSync) options.sync = true;
    for (const Write& write : transaction.writes) {
      if (!status.ok()) break;
      status = write.value.has_value() ? batch.Put(write.key, *write.value)
                                       : batch.Delete(write.key);
    }
  }
  if (status.ok()) status = current->db()->Write(options, &batch);
  if (!status.ok()) {
    failed_ = true;
    return ToStatus(status, "cannot write to the store");
  }
  if (options.sync) synced_ = current->db()->GetLatestSequenceNumber();
  return absl::OkStatus();
}

absl::Status RocksDbStore::Sync() {
  const std::shared_ptr<Instance> current = instance();
  if (failed_ || current == nullptr) return NeedsRecovery();
  const rocksdb::Status status = current->db()->SyncWAL();
  if (!status.ok()) {
    failed_ = true;
    return ToStatus(status, "cannot sync the store");
  }
  synced_ = current->db()->GetLatestSequenceNumber();
  return absl::OkStatus();
}

absl::Status RocksDbStore::Recover() {
  if (std::shared_ptr<Instance> current = instance(); current != nullptr) {
    // Lifts the error and flushes all that reads show. What was in the log only
    // is gone with the log.
    rocksdb::Status status = current->db()->Resume();
    if (status.ok()) {
      status = current->db()->Flush(rocksdb::FlushOptions());
    }
    if (status.ok()) {
      synced_ = current->db()->GetLatestSequenceNumber();
      failed_ = false;
      return absl::OkStatus();
    }
    failed_ = true;
    if (status.IsNoSpace() || status.IsBusy()) {
      // Opening anew would not go better, and reads would stop.
      return ToStatus(status, "cannot recover the store");
    }
    current.reset();
    std::shared_ptr<Instance> closing;
    {
      base::MutexLock lock(&mutex_);
      if (instance_.use_count() > 1) {
        return absl::UnavailableError(
            absl::StrCat("the store must be opened anew (", status.ToString(),
                         "), but readers still hold it"));
      }
      closing = std::move(instance_);
    }
    closing.reset();
  }
  return OpenInstance();
}

}  // namespace parley::storage
