#include "clients/cpp/socket_path.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace parley::client {
namespace {

constexpr size_t kMaxProfileBytes = 64;

bool IsProfileName(absl::string_view name) {
  if (name.empty() || name.size() > kMaxProfileBytes) return false;
  if (name[0] == '.' || name[0] == '-') return false;
  for (const char c : name) {
    if (!absl::ascii_isalnum(c) && c != '.' && c != '_' && c != '-') {
      return false;
    }
  }
  return true;
}

absl::Status ExplainConnect(int error, const std::string& path) {
  switch (error) {
    case 0:
    // Somebody listens and has more callers than the queue takes.
    case EAGAIN:
      return absl::OkStatus();
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(absl::StrCat("there is no socket at ", path));
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(
          absl::StrCat("this user may not connect to ", path));
    case ECONNREFUSED: {
      struct stat info = {};
      if (stat(path.c_str(), &info) == 0 && !S_ISSOCK(info.st_mode)) {
        return absl::InvalidArgumentError(absl::StrCat(path, " is no socket"));
      }
      return absl::UnavailableError(absl::StrCat(
          "nobody listens on ", path, ", the daemon that made it is gone"));
    }
    case EPROTOTYPE:
      return absl::InvalidArgumentError(
          absl::StrCat(path, " is a socket of another kind"));
    default:
      return absl::UnavailableError(
          absl::StrCat("cannot connect to ", path, ": ", strerror(error)));
  }
}

}  // namespace

absl::StatusOr<std::string> ProfileSocketPath(
    absl::string_view profile, absl::string_view xdg_runtime_dir) {
  if (!IsProfileName(profile)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", profile, "\" is no profile's name: 1 to ", kMaxProfileBytes,
        " of letters, digits, '.', '_' and '-', the first no '.' and no '-'"));
  }
  if (xdg_runtime_dir.empty()) {
    return absl::FailedPreconditionError(
        "XDG_RUNTIME_DIR is not set, so that no profile has a socket; give "
        "the socket's path instead");
  }
  if (xdg_runtime_dir[0] != '/') {
    return absl::FailedPreconditionError(
        absl::StrCat("XDG_RUNTIME_DIR is \"", xdg_runtime_dir,
                     "\", which is no absolute path; give the socket's path "
                     "instead"));
  }
  std::string path =
      absl::StrCat(xdg_runtime_dir, "/parley/", profile, ".sock");
  const absl::Status valid = ValidateSocketPath(path);
  if (!valid.ok()) return valid;
  return path;
}

absl::Status ValidateSocketPath(absl::string_view path) {
  constexpr size_t kMaxBytes = sizeof(sockaddr_un::sun_path) - 1;
  if (path.empty()) {
    return absl::InvalidArgumentError("the socket's path is empty");
  }
  if (path.size() > kMaxBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the socket's path has ", path.size(),
        " bytes, and a socket's may have ", kMaxBytes, ": ", path));
  }
  if (absl::StrContains(path, absl::string_view("\0", 1))) {
    return absl::InvalidArgumentError("the socket's path has a NUL");
  }
  return absl::OkStatus();
}

absl::Status ProbeSocket(absl::string_view path) {
  absl::Status valid = ValidateSocketPath(path);
  if (!valid.ok()) return valid;

  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path.data(), path.size());

  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot make a socket: ", strerror(errno)));
  }
  const int error = connect(fd, reinterpret_cast<const sockaddr*>(&address),
                            sizeof(address)) == 0
                        ? 0
                        : errno;
  close(fd);
  return ExplainConnect(error, std::string(path));
}

}  // namespace parley::client
