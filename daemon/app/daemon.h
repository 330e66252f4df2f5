#ifndef DAEMON_APP_DAEMON_H_
#define DAEMON_APP_DAEMON_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/storage/store.h"

namespace parley::app {

struct OpenedStore {
  std::unique_ptr<storage::Store> store;
  // What opening it had to mend, for the log; empty: nothing.
  std::vector<std::string> notices;
};

// What the daemon is built on. The program's are in production.h; a test of
// slow or failing disks puts a store of its own in.
struct Dependencies {
  std::function<absl::StatusOr<OpenedStore>(const std::string& directory)>
      open_store;
};

// What a process of the daemon does, from its arguments to its exit code:
//   0  ended as it was asked to
//   1  refused to run, or could not: one line on stderr says why
//   2  the command line is wrong
int DaemonMain(int argc, const char* const* argv,
               const Dependencies& dependencies);

}  // namespace parley::app

#endif  // DAEMON_APP_DAEMON_H_
