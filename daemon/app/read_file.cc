#include "daemon/app/read_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace parley::app {
namespace {

absl::Status Failed(const std::string& path, int error) {
  const std::string message = absl::StrCat(path, ": ", strerror(error));
  return error == ENOENT ? absl::NotFoundError(message)
                         : absl::FailedPreconditionError(message);
}

}  // namespace

absl::StatusOr<FileContent> ReadFile(const std::string& path,
                                     size_t max_bytes) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return Failed(path, errno);
  const absl::Cleanup closer = [fd] { close(fd); };
  struct stat info;
  if (fstat(fd, &info) != 0) return Failed(path, errno);
  if (S_ISDIR(info.st_mode)) return Failed(path, EISDIR);
  if (!S_ISREG(info.st_mode) && !S_ISCHR(info.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": it is no file that can be read"));
  }
  // One byte more than is allowed, to see that there is more.
  const auto buffer = std::make_unique<char[]>(max_bytes + 1);
  size_t size = 0;
  while (size <= max_bytes) {
    const ssize_t got = read(fd, buffer.get() + size, max_bytes + 1 - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed(path, errno);
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  FileContent content;
  content.mode = info.st_mode & 07777;
  content.bytes = base::Secret({buffer.get(), size});
  explicit_bzero(buffer.get(), max_bytes + 1);
  if (size > max_bytes) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, ": it has more than the ", max_bytes, " bytes that are allowed"));
  }
  return content;
}

}  // namespace parley::app
