#include "daemon/storage/rocksdb/fault_file_system.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "daemon/base/check.h"

namespace parley::storage {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

namespace {

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

absl::string_view NameOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return absl::string_view(path).substr(slash == std::string::npos ? 0
                                                                   : slash + 1);
}

// "a//b/" and "a/b" are one path.
std::string Clean(const std::string& path) {
  std::string clean;
  for (const char c : path) {
    if (c == '/' && !clean.empty() && clean.back() == '/') continue;
    clean.push_back(c);
  }
  if (clean.size() > 1 && clean.back() == '/') clean.pop_back();
  return clean;
}

// What nobody relies on after a crash.
bool IsUnmodelled(const std::string& path) {
  return absl::StartsWith(NameOf(path), "LOG") || NameOf(path) == "LOCK";
}

IOStatus CrashedStatus() { return IOStatus::IOError("simulated crash"); }

}  // namespace

// Counts what is appended and what of it is synced.
class FaultFileSystem::WritableFile
    : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  WritableFile(FaultFileSystem* file_system, std::string path,
               std::unique_ptr<rocksdb::FSWritableFile> file)
      : FSWritableFileOwnerWrapper(std::move(file)),
        file_system_(file_system),
        path_(std::move(path)) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  IODebugContext* debug) override {
    bool torn = false;
    IOStatus status = file_system_->Pass(Operation::kAppend, path_, &torn);
    if (!status.ok() && !torn) return status;
    const rocksdb::Slice kept(data.data(),
                              torn ? data.size() / 2 : data.size());
    const IOStatus appended =
        FSWritableFileOwnerWrapper::Append(kept, options, debug);
    if (appended.ok()) file_system_->OnAppended(path_, kept.size());
    return status.ok() ? appended : status;
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus PositionedAppend(const rocksdb::Slice&, uint64_t, const IOOptions&,
                            IODebugContext*) override {
    return IOStatus::NotSupported("only direct I/O needs this");
  }
  IOStatus PositionedAppend(const rocksdb::Slice&, uint64_t, const IOOptions&,
                            const rocksdb::DataVerificationInfo&,
                            IODebugContext*) override {
    return IOStatus::NotSupported("only direct I/O needs this");
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return SyncWith(
        [&] { return FSWritableFileOwnerWrapper::Sync(options, debug); });
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return SyncWith(
        [&] { return FSWritableFileOwnerWrapper::Fsync(options, debug); });
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options,
                    IODebugContext* debug) override {
    IOStatus status = file_system_->Pass(Operation::kTruncate, path_);
    if (status.ok()) {
      status = FSWritableFileOwnerWrapper::Truncate(size, options, debug);
    }
    if (status.ok()) file_system_->OnTruncated(path_, size);
    return status;
  }
  // Starts writing without waiting for it: promises nothing.
  IOStatus RangeSync(uint64_t, uint64_t, const IOOptions&,
                     IODebugContext*) override {
    return IOStatus::OK();
  }

 private:
  // What is appended while it is on its way may miss it.
  IOStatus SyncWith(const std::function<IOStatus()>& sync) {
    const uint64_t written = file_system_->WrittenOf(path_);
    IOStatus status = file_system_->Pass(Operation::kSync, path_);
    if (status.ok()) status = sync();
    if (status.ok()) file_system_->OnSynced(path_, written);
    return status;
  }

  FaultFileSystem* const file_system_;
  const std::string path_;
};

class FaultFileSystem::Directory : public rocksdb::FSDirectory {
 public:
  Directory(FaultFileSystem* file_system, std::string path,
            std::unique_ptr<rocksdb::FSDirectory> directory)
      : file_system_(file_system),
        path_(std::move(path)),
        directory_(std::move(directory)) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = file_system_->Pass(Operation::kSyncDirectory, path_);
    if (status.ok()) status = directory_->Fsync(options, debug);
    if (status.ok()) file_system_->OnDirectorySynced(path_);
    return status;
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    return directory_->Close(options, debug);
  }
  size_t GetUniqueId(char* id, size_t max_size) const override {
    return directory_->GetUniqueId(id, max_size);
  }

 private:
  FaultFileSystem* const file_system_;
  const std::string path_;
  const std::unique_ptr<rocksdb::FSDirectory> directory_;
};

FaultFileSystem::FaultFileSystem(
    const std::shared_ptr<rocksdb::FileSystem>& base, const std::string& trash)
    : FileSystemWrapper(base), trash_directory_(Clean(trash)) {}

FaultFileSystem::~FaultFileSystem() = default;

// --- Control -----------------------------------------------------------------

void FaultFileSystem::SetHook(Hook hook) {
  base::MutexLock lock(&mutex_);
  hook_ = std::move(hook);
}

uint64_t FaultFileSystem::write_points() const {
  base::MutexLock lock(&mutex_);
  return write_points_;
}

void FaultFileSystem::CrashAt(uint64_t number) {
  base::MutexLock lock(&mutex_);
  crash_at_ = number;
}

void FaultFileSystem::Crash() {
  base::MutexLock lock(&mutex_);
  crashed_ = true;
}

bool FaultFileSystem::crashed() const {
  base::MutexLock lock(&mutex_);
  return crashed_;
}

IOStatus FaultFileSystem::Pass(Operation operation, const std::string& path,
                               bool* torn) {
  Hook hook;
  {
    base::MutexLock lock(&mutex_);
    if (crashed_) return CrashedStatus();
    hook = hook_;
  }
  if (hook) {
    IOStatus status = hook(operation, path);
    if (!status.ok()) {
      if (torn != nullptr) *torn = true;
      return status;
    }
  }
  base::MutexLock lock(&mutex_);
  if (crashed_) return CrashedStatus();
  if (++write_points_ == crash_at_) {
    crashed_ = true;
    if (torn != nullptr) *torn = true;
    return CrashedStatus();
  }
  return IOStatus::OK();
}

void FaultFileSystem::PowerCut(Tail tail) {
  base::MutexLock lock(&mutex_);
  // With kDrop directories are as lazy as the files in them.
  if (tail == Tail::kDrop) {
    for (auto it = pending_.rbegin(); it != pending_.rend(); ++it) {
      UndoPending(*it);
    }
  }
  pending_.clear();
  for (const auto& [path, state] : files_) {
    if (state.synced < state.written) CutTail(path, state, tail);
  }
  files_.clear();
  crashed_ = false;
  crash_at_ = 0;
}

void FaultFileSystem::UndoPending(const Pending& pending) {
  const IOOptions options;
  IOStatus status = IOStatus::OK();
  switch (pending.kind) {
    case Pending::Kind::kCreated:
      status = target_->DeleteFile(pending.path, options, nullptr);
      files_.erase(pending.path);
      break;
    case Pending::Kind::kDeleted:
      break;
    case Pending::Kind::kRenamed:
      status =
          target_->RenameFile(pending.path, pending.from, options, nullptr);
      if (files_.count(pending.path) > 0) {
        files_[pending.from] = files_[pending.path];
        files_.erase(pending.path);
      }
      break;
  }
  if (status.ok() && !pending.trash.empty()) {
    status = target_->RenameFile(pending.trash, pending.path, options, nullptr);
    // Its own bytes were synced or not, as its state says.
    if (files_.count(pending.trash) > 0) {
      files_[pending.path] = files_[pending.trash];
      files_.erase(pending.trash);
    }
  }
  PARLEY_CHECK(status.ok());
}

void FaultFileSystem::CutTail(const std::string& path, const FileState& state,
                              Tail tail) {
  const uint64_t unsynced = state.written - state.synced;
  const uint64_t half = unsynced / 2;
  if (!target_->FileExists(path, IOOptions(), nullptr).ok()) return;
  uint64_t kept = state.synced;
  if (tail == Tail::kTear) kept += half;
  if (tail != Tail::kScramble) {
    std::error_code error;
    std::filesystem::resize_file(path, kept, error);
    PARLEY_CHECK(!error);
    return;
  }
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(state.synced));
  file << std::string(half, '\0');
  file.close();
  PARLEY_CHECK(file.good());
}

// --- Bookkeeping -------------------------------------------------------------

void FaultFileSystem::OnAppended(const std::string& path, uint64_t bytes) {
  base::MutexLock lock(&mutex_);
  files_[path].written += bytes;
}

uint64_t FaultFileSystem::WrittenOf(const std::string& path) const {
  base::MutexLock lock(&mutex_);
  const auto it = files_.find(path);
  return it != files_.end() ? it->second.written : 0;
}

void FaultFileSystem::OnSynced(const std::string& path, uint64_t written) {
  base::MutexLock lock(&mutex_);
  const auto it = files_.find(path);
  if (it == files_.end()) return;
  it->second.synced = std::max(it->second.synced, written);
}

void FaultFileSystem::OnTruncated(const std::string& path, uint64_t size) {
  base::MutexLock lock(&mutex_);
  files_[path] = {size, size};
}

void FaultFileSystem::OnDirectorySynced(const std::string& path) {
  std::vector<std::string> trash;
  {
    base::MutexLock lock(&mutex_);
    const auto settled = std::stable_partition(
        pending_.begin(), pending_.end(),
        [&path](const Pending& p) { return p.directory != path; });
    for (auto it = settled; it != pending_.end(); ++it) {
      if (it->trash.empty()) continue;
      trash.push_back(it->trash);
      files_.erase(it->trash);
    }
    pending_.erase(settled, pending_.end());
  }
  for (const std::string& file : trash) {
    target_->DeleteFile(file, IOOptions(), nullptr).PermitUncheckedError();
  }
}

IOStatus FaultFileSystem::MoveToTrash(const std::string& path,
                                      std::string* trash) {
  {
    base::MutexLock lock(&mutex_);
    *trash = absl::StrCat(trash_directory_, "/", next_trash_++);
  }
  IOStatus status = target_->RenameFile(path, *trash, IOOptions(), nullptr);
  if (!status.ok()) return status;
  base::MutexLock lock(&mutex_);
  const auto it = files_.find(path);
  if (it != files_.end()) {
    files_[*trash] = it->second;
    files_.erase(it);
  }
  return status;
}

// --- rocksdb::FileSystem -----------------------------------------------------

IOStatus FaultFileSystem::NewWritableFile(
    const std::string& raw_path, const FileOptions& options,
    std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext* debug) {
  if (IsUnmodelled(raw_path)) {
    return target_->NewWritableFile(raw_path, options, result, debug);
  }
  const std::string path = Clean(raw_path);
  IOStatus status = Pass(Operation::kCreate, path);
  if (!status.ok()) return status;
  Pending created{Pending::Kind::kCreated, DirectoryOf(path), path, {}, {}};
  if (target_->FileExists(path, IOOptions(), nullptr).ok()) {
    status = MoveToTrash(path, &created.trash);
    if (!status.ok()) return status;
  }
  std::unique_ptr<rocksdb::FSWritableFile> file;
  status = target_->NewWritableFile(path, options, &file, debug);
  if (!status.ok()) return status;
  {
    base::MutexLock lock(&mutex_);
    pending_.push_back(std::move(created));
    files_[path] = FileState();
  }
  *result = std::make_unique<WritableFile>(this, path, std::move(file));
  return status;
}

IOStatus FaultFileSystem::ReopenWritableFile(
    const std::string& raw_path, const FileOptions& options,
    std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext* debug) {
  const std::string path = Clean(raw_path);
  if (crashed()) return CrashedStatus();
  uint64_t size = 0;
  IOStatus status = target_->GetFileSize(path, IOOptions(), &size, debug);
  if (!status.ok()) {
    return NewWritableFile(raw_path, options, result, debug);
  }
  std::unique_ptr<rocksdb::FSWritableFile> file;
  status = target_->ReopenWritableFile(path, options, &file, debug);
  if (!status.ok()) return status;
  {
    base::MutexLock lock(&mutex_);
    files_.emplace(path, FileState{size, size});
  }
  *result = std::make_unique<WritableFile>(this, path, std::move(file));
  return status;
}

IOStatus FaultFileSystem::ReuseWritableFile(
    const std::string&, const std::string&, const FileOptions&,
    std::unique_ptr<rocksdb::FSWritableFile>*, IODebugContext*) {
  return IOStatus::NotSupported("recycled files are not modelled");
}

IOStatus FaultFileSystem::NewRandomRWFile(
    const std::string&, const FileOptions&,
    std::unique_ptr<rocksdb::FSRandomRWFile>*, IODebugContext*) {
  return IOStatus::NotSupported("overwritten files are not modelled");
}

IOStatus FaultFileSystem::NewDirectory(
    const std::string& path, const IOOptions& options,
    std::unique_ptr<rocksdb::FSDirectory>* result, IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSDirectory> directory;
  IOStatus status = target_->NewDirectory(path, options, &directory, debug);
  if (status.ok()) {
    *result =
        std::make_unique<Directory>(this, Clean(path), std::move(directory));
  }
  return status;
}

IOStatus FaultFileSystem::CreateDir(const std::string& path,
                                    const IOOptions& options,
                                    IODebugContext* debug) {
  const IOStatus status = Pass(Operation::kCreateDirectory, Clean(path));
  return status.ok() ? target_->CreateDir(path, options, debug) : status;
}

IOStatus FaultFileSystem::CreateDirIfMissing(const std::string& path,
                                             const IOOptions& options,
                                             IODebugContext* debug) {
  const IOStatus status = Pass(Operation::kCreateDirectory, Clean(path));
  return status.ok() ? target_->CreateDirIfMissing(path, options, debug)
                     : status;
}

IOStatus FaultFileSystem::DeleteFile(const std::string& raw_path,
                                     const IOOptions& options,
                                     IODebugContext* debug) {
  if (IsUnmodelled(raw_path)) {
    return target_->DeleteFile(raw_path, options, debug);
  }
  const std::string path = Clean(raw_path);
  IOStatus status = Pass(Operation::kDelete, path);
  if (!status.ok()) return status;
  Pending deleted{Pending::Kind::kDeleted, DirectoryOf(path), path, {}, {}};
  status = MoveToTrash(path, &deleted.trash);
  if (!status.ok()) return status;
  base::MutexLock lock(&mutex_);
  pending_.push_back(std::move(deleted));
  return status;
}

IOStatus FaultFileSystem::RenameFile(const std::string& raw_from,
                                     const std::string& raw_to,
                                     const IOOptions& options,
                                     IODebugContext* debug) {
  if (IsUnmodelled(raw_from)) {
    return target_->RenameFile(raw_from, raw_to, options, debug);
  }
  const std::string from = Clean(raw_from);
  const std::string to = Clean(raw_to);
  IOStatus status = Pass(Operation::kRename, to);
  if (!status.ok()) return status;
  Pending renamed{Pending::Kind::kRenamed, DirectoryOf(to), to, from, {}};
  if (target_->FileExists(to, IOOptions(), nullptr).ok()) {
    status = MoveToTrash(to, &renamed.trash);
    if (!status.ok()) return status;
  }
  status = target_->RenameFile(from, to, options, debug);
  if (!status.ok()) return status;
  base::MutexLock lock(&mutex_);
  const auto it = files_.find(from);
  if (it != files_.end()) {
    files_[to] = it->second;
    files_.erase(it);
  }
  pending_.push_back(std::move(renamed));
  return status;
}

IOStatus FaultFileSystem::LinkFile(const std::string&, const std::string&,
                                   const IOOptions&, IODebugContext*) {
  return IOStatus::NotSupported("links are not modelled");
}

}  // namespace parley::storage
