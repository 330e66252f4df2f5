#include "daemon/app/state_dir.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace parley::app {
namespace {

absl::Status Failed(absl::string_view what, absl::string_view path, int error) {
  return absl::FailedPreconditionError(absl::StrCat(
      "cannot ", what, " directory ", path, ": ", strerror(error)));
}

absl::Status MakeAll(const std::string& path) {
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) {
      const int error = errno;
      // A read-only parent is fine as long as the directory is there.
      struct stat info;
      if (stat(part.c_str(), &info) != 0) return Failed("make", part, error);
    }
    if (end == std::string::npos) return absl::OkStatus();
  }
}

}  // namespace

absl::StatusOr<bool> MakePrivateDirectory(const std::string& path) {
  if (absl::Status status = MakeAll(path); !status.ok()) return status;
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Failed("open", path, errno);
  const absl::Cleanup closer = [fd] { close(fd); };
  struct stat info;
  if (fstat(fd, &info) != 0) return Failed("look at", path, errno);
  if (info.st_uid != geteuid()) {
    return absl::FailedPreconditionError(
        absl::StrCat("directory ", path, " belongs to user ", info.st_uid,
                     ", not to ", geteuid(), "; use another one"));
  }
  if ((info.st_mode & 077) == 0) return false;
  if (fchmod(fd, 0700) != 0) return Failed("narrow", path, errno);
  return true;
}

}  // namespace parley::app
