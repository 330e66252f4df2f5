#ifndef DAEMON_APP_VERSION_H_
#define DAEMON_APP_VERSION_H_

namespace parley::app {

// Of the program, as clients and operators see it.
inline constexpr char kVersion[] = "0.1.0";

}  // namespace parley::app

#endif  // DAEMON_APP_VERSION_H_
