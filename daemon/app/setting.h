#ifndef DAEMON_APP_SETTING_H_
#define DAEMON_APP_SETTING_H_

#include <string>

namespace parley::app {

// A value, and what says so: "--socket", "/etc/parley/work.toml:3", "default".
template <typename T>
struct Setting {
  T value{};
  std::string origin = "default";
};

}  // namespace parley::app

#endif  // DAEMON_APP_SETTING_H_
