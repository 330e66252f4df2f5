#ifndef DAEMON_APP_ENVIRONMENT_H_
#define DAEMON_APP_ENVIRONMENT_H_

#include <map>
#include <optional>
#include <string>

namespace parley::app {

// What the process was given beside its arguments. A value, so that everything
// that depends on it can be tested.
struct Environment {
  std::map<std::string, std::string> variables;
  // Of the user, as the system knows it; "" when it knows none.
  std::string home;

  // None for one that is unset or empty: the XDG specification has both mean
  // the same.
  std::optional<std::string> Get(const std::string& name) const;
};

Environment ReadEnvironment();

}  // namespace parley::app

#endif  // DAEMON_APP_ENVIRONMENT_H_
