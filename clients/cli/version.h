#ifndef CLIENTS_CLI_VERSION_H_
#define CLIENTS_CLI_VERSION_H_

namespace parley::cli {

// Of parleyctl; parleyd tells its own in the status.
inline constexpr char kVersion[] = "0.1.0";

}  // namespace parley::cli

#endif  // CLIENTS_CLI_VERSION_H_
