#include "daemon/storage/rocksdb/store_directory.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "daemon/storage/rocksdb/status.h"
#include "daemon/storage/rocksdb/wal_inspection.h"

namespace parley::storage {
namespace {

using rocksdb::IOOptions;
using rocksdb::IOStatus;

std::string LockPath(const std::string& directory) {
  return absl::StrCat(directory, "/LOCK");
}

// The process that has a POSIX lock on `path`; 0 if there is none. Must not be
// called while this process has one: closing the file would lift it.
pid_t HolderOf(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return 0;
  struct flock probe = {};
  probe.l_type = F_WRLCK;
  probe.l_whence = SEEK_SET;
  const bool asked = fcntl(fd, F_GETLK, &probe) == 0;
  close(fd);
  return asked && probe.l_type != F_UNLCK ? probe.l_pid : 0;
}

absl::Status LockedStore(const IOStatus& status, const std::string& directory) {
  // RocksDB knows the locks of this process apart from the file's.
  const bool by_this_process =
      absl::StrContains(status.ToString(), "by current process");
  const pid_t holder =
      by_this_process ? getpid() : HolderOf(LockPath(directory));
  if (holder == 0) return ToStatus(status, "cannot lock the store");
  return absl::FailedPreconditionError(
      absl::StrCat("the store in ", directory, " is in use by process ", holder,
                   "; stop it, or give this one another state directory"));
}

// RocksDB takes a directory without CURRENT for a new one, and clears it. Only
// a first opening that was cut short leaves such a directory, and nothing but
// the first manifest in it.
absl::Status CheckCurrent(const std::vector<std::string>& names,
                          const std::string& directory) {
  if (std::find(names.begin(), names.end(), "CURRENT") != names.end()) {
    return absl::OkStatus();
  }
  for (const std::string& name : names) {
    const bool is_log = absl::EndsWith(name, ".log");
    const bool later_manifest =
        absl::StartsWith(name, "MANIFEST-") && name != "MANIFEST-000001";
    if (is_log || later_manifest || absl::EndsWith(name, ".sst")) {
      return DamagedStore(directory, absl::StrCat("the file CURRENT is "
                                                  "missing, but ",
                                                  name, " is there"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<DirectoryLock> DirectoryLock::Acquire(
    rocksdb::FileSystem* file_system, const std::string& directory) {
  IOStatus status =
      file_system->CreateDirIfMissing(directory, IOOptions(), nullptr);
  if (!status.ok()) {
    return ToStatus(status,
                    absl::StrCat("cannot make the directory ", directory));
  }
  rocksdb::FileLock* lock = nullptr;
  status =
      file_system->LockFile(LockPath(directory), IOOptions(), &lock, nullptr);
  if (!status.ok()) return LockedStore(status, directory);
  return DirectoryLock(file_system, lock);
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept
    : file_system_(other.file_system_),
      lock_(std::exchange(other.lock_, nullptr)) {}

void DirectoryLock::Release() {
  if (lock_ == nullptr) return;
  file_system_->UnlockFile(std::exchange(lock_, nullptr), IOOptions(), nullptr)
      .PermitUncheckedError();
}

absl::StatusOr<RecoveryReport> MendDirectory(rocksdb::FileSystem* file_system,
                                             const std::string& directory) {
  std::vector<std::string> names;
  const IOStatus listed =
      file_system->GetChildren(directory, IOOptions(), &names, nullptr);
  if (!listed.ok()) return ToStatus(listed, "cannot list the store's files");
  if (absl::Status status = CheckCurrent(names, directory); !status.ok()) {
    return status;
  }
  const auto inspection = InspectWals(file_system, directory);
  if (!inspection.ok()) return inspection.status();
  const std::string place = absl::StrCat(
      "the log ", inspection->file, " at byte ", inspection->offset, " of ",
      inspection->file_bytes, ": ", inspection->what);
  switch (inspection->verdict) {
    case WalInspection::Verdict::kIntact:
      return RecoveryReport();
    case WalInspection::Verdict::kDamaged:
      return DamagedStore(
          directory,
          absl::StrCat(place,
                       "; records behind it show that this had been written "
                       "safely, so the disk or another program damaged it"));
    case WalInspection::Verdict::kUnsyncedTail:
      break;
  }
  auto copies = CutUnsyncedTail(file_system, directory, *inspection);
  if (!copies.ok()) return copies.status();
  RecoveryReport report;
  report.text = absl::StrCat(
      "the end of the store's log could not be read, as after a power cut (",
      place,
      "); it held only what had not been synced and was cut off. A copy "
      "is in ",
      *copies);
  report.copies = *std::move(copies);
  return report;
}

absl::Status DamagedStore(const std::string& directory,
                          absl::string_view what) {
  return absl::DataLossError(absl::StrCat(
      "the store in ", directory, " is damaged: ", what,
      ". Nothing was deleted. To recover, restore that directory from a "
      "backup; or move it away (mv ",
      directory, " ", directory,
      ".damaged) and start with an empty one: messages queued in it are then "
      "not sent, all else comes back from the server"));
}

absl::Status OpenError(const rocksdb::Status& status,
                       const std::string& directory) {
  if (status.IsCorruption() || status.IsNotSupported() ||
      status.IsInvalidArgument() || status.IsPathNotFound()) {
    return DamagedStore(directory, status.ToString());
  }
  return ToStatus(status, absl::StrCat("cannot open the store in ", directory));
}

}  // namespace parley::storage
