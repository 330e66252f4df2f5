#ifndef DAEMON_APP_PATHS_H_
#define DAEMON_APP_PATHS_H_

#include <string>

#include "absl/status/statusor.h"
#include "daemon/app/environment.h"
#include "daemon/app/flags.h"
#include "daemon/app/setting.h"

namespace parley::app {

// Where the files of a profile are, and what says so.
//
//            flag           service manager             session
//   config   --config       $CONFIGURATION_DIRECTORY/ $XDG_CONFIG_HOME/parley/
//                             PROFILE.toml                PROFILE.toml
//   state    --state-dir    $STATE_DIRECTORY            $XDG_STATE_HOME/parley/
//                                                         PROFILE
//   socket   --socket       $RUNTIME_DIRECTORY/ $XDG_RUNTIME_DIR/parley/
//                             PROFILE.sock                PROFILE.sock
struct Paths {
  Setting<std::string> config;
  // Named on the command line: then it must exist.
  bool config_is_explicit = false;
  Setting<std::string> state_dir;
  Setting<std::string> socket;
};

// FAILED_PRECONDITION says what is missing and how to do without it.
absl::StatusOr<Paths> FindPaths(const Flags& flags,
                                const Environment& environment);

}  // namespace parley::app

#endif  // DAEMON_APP_PATHS_H_
