#ifndef DAEMON_STORAGE_ROCKSDB_RECOVERY_REPORT_H_
#define DAEMON_STORAGE_ROCKSDB_RECOVERY_REPORT_H_

#include <string>

namespace parley::storage {

// What opening had to do beyond opening. For the log.
struct RecoveryReport {
  // For a person; empty when there is nothing to say.
  std::string text;
  // The folder with copies of what was cut off the log.
  std::string copies;

  bool empty() const { return text.empty(); }
};

}  // namespace parley::storage

#endif  // DAEMON_STORAGE_ROCKSDB_RECOVERY_REPORT_H_
