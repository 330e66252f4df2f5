#ifndef DAEMON_APP_INSTANCE_LOCK_H_
#define DAEMON_APP_INSTANCE_LOCK_H_

#include <string>

#include "absl/status/statusor.h"

namespace parley::app {

// Holds a state directory for this process alone, for as long as it lives: an
// flock on DIR/lock, which the kernel frees however the process ends. The file
// tells the holder's process id, and stays.
class InstanceLock {
 public:
  // FAILED_PRECONDITION when another process holds the directory: says which.
  static absl::StatusOr<InstanceLock> Acquire(const std::string& state_dir);

  InstanceLock(InstanceLock&& other) noexcept : fd_(other.fd_) {
    other.fd_ = -1;
  }
  InstanceLock& operator=(InstanceLock&&) = delete;
  ~InstanceLock();

 private:
  explicit InstanceLock(int fd) : fd_(fd) {}

  int fd_;
};

}  // namespace parley::app

#endif  // DAEMON_APP_INSTANCE_LOCK_H_
