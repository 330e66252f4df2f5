#include "daemon/rpc/socket_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace parley::rpc {
namespace {

// Clients that connect while the accepting thread is busy, or before it runs.
constexpr int kBacklog = 128;
// The first descriptor that a service manager passes.
constexpr int kFirstPassedFd = 3;

absl::Status Failed(absl::string_view what, const std::string& path,
                    int error) {
  const std::string message =
      absl::StrCat(what, " ", path, ": ", std::strerror(error));
  if (error == EACCES || error == EPERM) {
    return absl::PermissionDeniedError(message);
  }
  return absl::FailedPreconditionError(message);
}

absl::StatusOr<sockaddr_un> Address(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the socket's path \"", path, "\" has ", path.size(),
        " bytes; the system takes 1 to ", sizeof(address.sun_path) - 1));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

const sockaddr* Generic(const sockaddr_un* address) {
  return reinterpret_cast<const sockaddr*>(address);
}

absl::Status MakeDirectory(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos || slash == 0) return absl::OkStatus();
  const std::string directory = path.substr(0, slash);
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return Failed("cannot create the socket's directory", directory, errno);
  }
  return absl::OkStatus();
}

// What the holder of a lock wrote into it.
std::string Holder(int lock) {
  char buffer[32] = {};
  const ssize_t size = ::pread(lock, buffer, sizeof(buffer) - 1, 0);
  const std::string pid(absl::StripAsciiWhitespace(
      absl::string_view(buffer, size > 0 ? size : 0)));
  return pid.empty() ? "another process" : absl::StrCat("process ", pid);
}

absl::StatusOr<runtime::UniqueFd> TakeLock(const std::string& socket_path) {
  const std::string path = socket_path + ".lock";
  runtime::UniqueFd lock(
      ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock.valid()) return Failed("cannot open the lock", path, errno);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Failed("cannot lock", path, errno);
    return absl::FailedPreconditionError(
        absl::StrCat(Holder(lock.get()), " serves ", socket_path,
                     " already; stop it, or choose another --socket"));
  }
  // Only words for people: the lock is what counts.
  const std::string pid = absl::StrCat(::getpid(), "\n");
  if (::ftruncate(lock.get(), 0) != 0 ||
      ::pwrite(lock.get(), pid.data(), pid.size(), 0) < 0) {
    return Failed("cannot write", path, errno);
  }
  return lock;
}

// The lock keeps other daemons away from the path, but anything else may be
// there.
absl::Status RemoveStaleSocket(const std::string& path,
                               const sockaddr_un& address) {
  struct stat info = {};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return absl::OkStatus();
    return Failed("cannot look at", path, errno);
  }
  if (!S_ISSOCK(info.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat(path,
                     " is there and is no socket; move it, or choose another "
                     "--socket"));
  }
  const runtime::UniqueFd probe(
      ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe.valid()) return Failed("cannot probe", path, errno);
  if (::connect(probe.get(), Generic(&address), sizeof(address)) == 0 ||
      errno == EAGAIN) {
    return absl::FailedPreconditionError(
        absl::StrCat("another program serves ", path,
                     "; stop it, or choose another --socket"));
  }
  if (errno != ECONNREFUSED) return Failed("cannot probe", path, errno);
  if (::unlink(path.c_str()) != 0) return Failed("cannot remove", path, errno);
  return absl::OkStatus();
}

bool IsListeningUnixStream(int fd) {
  const auto option = [fd](int name) {
    int value = -1;
    socklen_t size = sizeof(value);
    return ::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
  };
  return option(SO_DOMAIN) == AF_UNIX && option(SO_TYPE) == SOCK_STREAM &&
         option(SO_ACCEPTCONN) == 1;
}

}  // namespace

absl::StatusOr<BoundSocket> BindSocketPath(const std::string& path) {
  const absl::StatusOr<sockaddr_un> address = Address(path);
  if (!address.ok()) return address.status();
  absl::Status status = MakeDirectory(path);
  if (!status.ok()) return status;
  absl::StatusOr<runtime::UniqueFd> lock = TakeLock(path);
  if (!lock.ok()) return lock.status();
  status = RemoveStaleSocket(path, *address);
  if (!status.ok()) return status;

  runtime::UniqueFd socket(
      ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return Failed("cannot make a socket for", path, errno);
  if (::bind(socket.get(), Generic(&*address), sizeof(*address)) != 0) {
    return Failed("cannot bind", path, errno);
  }
  // Nobody can connect before listen, so nobody sees the umask's mode.
  if (::chmod(path.c_str(), 0600) != 0 ||
      ::listen(socket.get(), kBacklog) != 0) {
    const int error = errno;
    ::unlink(path.c_str());
    return Failed("cannot listen on", path, error);
  }
  return BoundSocket{std::move(socket), *std::move(lock)};
}

absl::StatusOr<std::optional<runtime::UniqueFd>> TakePassedSocket() {
  const char* const pid_text = ::getenv("LISTEN_PID");
  const char* const count_text = ::getenv("LISTEN_FDS");
  int pid = 0;
  int count = 0;
  const bool meant = pid_text != nullptr && count_text != nullptr &&
                     absl::SimpleAtoi(pid_text, &pid) && pid == ::getpid() &&
                     absl::SimpleAtoi(count_text, &count) && count > 0;
  ::unsetenv("LISTEN_PID");
  ::unsetenv("LISTEN_FDS");
  ::unsetenv("LISTEN_FDNAMES");
  if (!meant) return std::optional<runtime::UniqueFd>();
  if (count != 1 || !IsListeningUnixStream(kFirstPassedFd)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the service manager passed ", count,
                     " descriptors; one listening Unix stream socket is "
                     "expected (ListenStream= with a path)"));
  }
  ::fcntl(kFirstPassedFd, F_SETFD, FD_CLOEXEC);
  return std::optional<runtime::UniqueFd>(runtime::UniqueFd(kFirstPassedFd));
}

std::string LocalPath(int socket) {
  sockaddr_un address = {};
  socklen_t size = sizeof(address);
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) !=
      0) {
    return "";
  }
  // The kernel does not end a path of full length with a NUL.
  return std::string(address.sun_path,
                     ::strnlen(address.sun_path, sizeof(address.sun_path)));
}

}  // namespace parley::rpc
