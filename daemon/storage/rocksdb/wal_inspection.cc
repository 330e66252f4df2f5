#include "daemon/storage/rocksdb/wal_inspection.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "daemon/storage/rocksdb/status.h"
#include "daemon/storage/rocksdb/wal_reader.h"

namespace parley::storage {
namespace {

using rocksdb::FileOptions;
using rocksdb::FileSystem;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

constexpr size_t kCopyBytes = 64 * 1024;
constexpr absl::string_view kCopyPrefix = "recovered-";

std::string Join(const std::string& directory, const std::string& name) {
  return absl::StrCat(directory, "/", name);
}

absl::StatusOr<std::vector<std::string>> Children(
    FileSystem* file_system, const std::string& directory) {
  std::vector<std::string> names;
  const IOStatus status =
      file_system->GetChildren(directory, IOOptions(), &names, nullptr);
  if (status.IsNotFound()) return std::vector<std::string>();
  if (!status.ok()) return ToStatus(status, "cannot list the store's files");
  return names;
}

// The names of the log files, oldest first.
absl::StatusOr<std::vector<std::string>> LogFiles(
    FileSystem* file_system, const std::string& directory) {
  auto names = Children(file_system, directory);
  if (!names.ok()) return names.status();
  std::vector<std::pair<uint64_t, std::string>> logs;
  for (std::string& name : *names) {
    uint64_t number = 0;
    const size_t dot = name.find('.');
    if (dot != std::string::npos && name.substr(dot) == ".log" &&
        absl::SimpleAtoi(name.substr(0, dot), &number)) {
      logs.emplace_back(number, std::move(name));
    }
  }
  std::sort(logs.begin(), logs.end());
  std::vector<std::string> sorted;
  for (auto& log : logs) sorted.push_back(std::move(log.second));
  return sorted;
}

absl::StatusOr<std::string> ReadWholeFile(FileSystem* file_system,
                                          const std::string& path) {
  std::unique_ptr<rocksdb::FSSequentialFile> file;
  IOStatus status =
      file_system->NewSequentialFile(path, FileOptions(), &file, nullptr);
  if (!status.ok()) return ToStatus(status, "cannot read the log");
  std::string contents;
  std::string buffer(kCopyBytes, '\0');
  for (;;) {
    rocksdb::Slice read;
    status =
        file->Read(buffer.size(), IOOptions(), &read, buffer.data(), nullptr);
    if (!status.ok()) return ToStatus(status, "cannot read the log");
    if (read.empty()) return contents;
    contents.append(read.data(), read.size());
  }
}

// Goes through the batches of all files in order, and judges.
class Inspector {
 public:
  explicit Inspector(std::vector<std::string> names)
      : names_(std::move(names)) {}

  // The files in order, each once. True when no more need be read.
  bool Inspect(size_t index, absl::string_view contents) {
    WalReader reader(contents);
    for (;;) {
      switch (reader.Next()) {
        case WalReader::Result::kBatch:
          if (!VisitBatch(index, reader, contents.size())) return true;
          break;
        case WalReader::Result::kEnd:
          if (!reader.cut()) return false;
          cut_ = Spot{index, reader.offset(), contents.size(),
                      "the last record is cut off"};
          if (!reader.SkipToIntact()) return false;
          Suspect(*cut_);
          break;
        case WalReader::Result::kBad:
          Suspect({index, reader.offset(), contents.size(),
                   "what stands there is no record, or its checksum does not "
                   "match"});
          if (!reader.SkipToIntact()) return false;
          break;
      }
    }
  }

  WalInspection result() const {
    WalInspection inspection;
    if (!suspect_.has_value()) return inspection;
    inspection.verdict = damaged_ ? WalInspection::Verdict::kDamaged
                                  : WalInspection::Verdict::kUnsyncedTail;
    inspection.file = names_[suspect_->index];
    inspection.offset = suspect_->offset;
    inspection.file_bytes = suspect_->file_bytes;
    inspection.what = suspect_->what;
    const auto suspect =
        names_.begin() + static_cast<ptrdiff_t>(suspect_->index);
    inspection.later_files.assign(suspect + 1, names_.end());
    return inspection;
  }

 private:
  struct Spot {
    size_t index;
    uint64_t offset;
    uint64_t file_bytes;
    std::string what;
  };

  void Suspect(Spot spot) {
    if (!suspect_.has_value()) suspect_ = std::move(spot);
  }

  // False when the verdict is final.
  bool VisitBatch(size_t index, const WalReader& reader, uint64_t file_bytes) {
    const WalBatch& batch = reader.batch();
    if (!suspect_.has_value() && expected_.has_value() &&
        batch.sequence > *expected_) {
      Suspect(cut_.value_or(Spot{index, reader.offset(), file_bytes,
                                 "writes are missing before it"}));
    }
    cut_.reset();
    if (suspect_.has_value()) {
      if (expected_ == batch.sequence) {
        // Only garbage stood between the two.
        suspect_.reset();
      } else {
        // What is missing ends before the first batch behind it.
        if (!expected_.has_value()) expected_ = batch.sequence - 1;
        damaged_ = !batch.synced.has_value() || *batch.synced >= *expected_;
        return !damaged_;
      }
    }
    expected_ = batch.sequence + batch.count;
    return true;
  }

  const std::vector<std::string> names_;
  // The sequence number that comes next; stays where the bad spot is.
  std::optional<uint64_t> expected_;
  std::optional<Spot> cut_;
  std::optional<Spot> suspect_;
  bool damaged_ = false;
};

IOStatus SyncDirectory(FileSystem* file_system, const std::string& directory) {
  std::unique_ptr<rocksdb::FSDirectory> handle;
  IOStatus status =
      file_system->NewDirectory(directory, IOOptions(), &handle, nullptr);
  if (status.ok()) status = handle->Fsync(IOOptions(), nullptr);
  return status;
}

IOStatus CopyFile(FileSystem* file_system, const std::string& from,
                  const std::string& to) {
  std::unique_ptr<rocksdb::FSSequentialFile> source;
  std::unique_ptr<rocksdb::FSWritableFile> target;
  IOStatus status =
      file_system->NewSequentialFile(from, FileOptions(), &source, nullptr);
  if (status.ok()) {
    status = file_system->NewWritableFile(to, FileOptions(), &target, nullptr);
  }
  std::string buffer(kCopyBytes, '\0');
  while (status.ok()) {
    rocksdb::Slice read;
    status =
        source->Read(buffer.size(), IOOptions(), &read, buffer.data(), nullptr);
    if (!status.ok() || read.empty()) break;
    status = target->Append(read, IOOptions(), nullptr);
  }
  if (status.ok()) status = target->Fsync(IOOptions(), nullptr);
  if (status.ok()) status = target->Close(IOOptions(), nullptr);
  return status;
}

IOStatus TruncateAndSync(FileSystem* file_system, const std::string& path,
                         uint64_t size) {
  std::unique_ptr<rocksdb::FSWritableFile> file;
  IOStatus status =
      file_system->ReopenWritableFile(path, FileOptions(), &file, nullptr);
  if (status.ok()) status = file->Truncate(size, IOOptions(), nullptr);
  if (status.ok()) status = file->Fsync(IOOptions(), nullptr);
  if (status.ok()) status = file->Close(IOOptions(), nullptr);
  return status;
}

// Copies everything before anything is taken away.
IOStatus CutTail(FileSystem* file_system, const std::string& directory,
                 const std::string& copies, const WalInspection& inspection) {
  IOStatus status = file_system->CreateDir(copies, IOOptions(), nullptr);
  if (status.ok()) {
    status = CopyFile(file_system, Join(directory, inspection.file),
                      Join(copies, inspection.file));
  }
  if (status.ok()) status = SyncDirectory(file_system, copies);
  if (status.ok()) status = SyncDirectory(file_system, directory);
  // The newest first: what is left is a log at any moment.
  for (auto it = inspection.later_files.rbegin();
       status.ok() && it != inspection.later_files.rend(); ++it) {
    status = file_system->RenameFile(Join(directory, *it), Join(copies, *it),
                                     IOOptions(), nullptr);
    if (status.ok()) status = SyncDirectory(file_system, copies);
    if (status.ok()) status = SyncDirectory(file_system, directory);
  }
  if (!status.ok()) return status;
  return TruncateAndSync(file_system, Join(directory, inspection.file),
                         inspection.offset);
}

}  // namespace

absl::StatusOr<WalInspection> InspectWals(FileSystem* file_system,
                                          const std::string& directory) {
  const auto names = LogFiles(file_system, directory);
  if (!names.ok()) return names.status();
  Inspector inspector(*names);
  for (size_t i = 0; i < names->size(); ++i) {
    const auto contents =
        ReadWholeFile(file_system, Join(directory, (*names)[i]));
    if (!contents.ok()) return contents.status();
    if (inspector.Inspect(i, *contents)) break;
  }
  return inspector.result();
}

absl::StatusOr<std::string> CutUnsyncedTail(FileSystem* file_system,
                                            const std::string& directory,
                                            const WalInspection& inspection) {
  const auto names = Children(file_system, directory);
  if (!names.ok()) return names.status();
  uint64_t number = 1;
  for (const std::string& name : *names) {
    uint64_t used = 0;
    if (name.size() > kCopyPrefix.size() &&
        name.substr(0, kCopyPrefix.size()) == kCopyPrefix &&
        absl::SimpleAtoi(name.substr(kCopyPrefix.size()), &used)) {
      number = std::max(number, used + 1);
    }
  }
  std::string copies = Join(directory, absl::StrCat(kCopyPrefix, number));
  const IOStatus status = CutTail(file_system, directory, copies, inspection);
  if (!status.ok()) {
    return ToStatus(status, "cannot copy what was not synced to the side");
  }
  return copies;
}

}  // namespace parley::storage
