#ifndef TESTS_INTEGRATION_HARNESS_REALTIME_SERVER_H_
#define TESTS_INTEGRATION_HARNESS_REALTIME_SERVER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"
#include "tests/integration/harness/port.h"
#include "tests/integration/harness/process.h"

namespace parley::integration {

// tools/realtime_server/run as a process. It keeps its data in a folder, so
// that messages survive Kill, and its port, which refuses connections while
// the server is down.
//
//   DOWN --- Start ---> UP --- Kill, Stop --->
//   DOWN
class RealtimeServer {
 public:
  // `dir` is an existing folder for its data and logs. `flags` are for `run`.
  explicit RealtimeServer(const std::string& dir,
                          std::vector<std::string> flags = {});

  // Returns once it listens.
  absl::Status Start();
  // kill -9.
  void Kill();
  // SIGTERM, and waits for the end.
  absl::Status Stop();

  int port() const { return port_.number(); }
  std::string url() const;

  // A token for this user, good for a day. `flags` are for `run token`.
  static absl::StatusOr<std::string> Token(const std::string& user,
                                           std::vector<std::string> flags = {});

  // A room's messages in the server's order, as `user` may read them.
  absl::StatusOr<std::vector<nlohmann::json>> History(
      const std::string& room, const std::string& user) const;

  // The texts of History.
  absl::StatusOr<std::vector<std::string>> Texts(const std::string& room,
                                                 const std::string& user) const;

 private:
  const std::string dir_;
  const std::vector<std::string> flags_;
  const Port port_;
  std::unique_ptr<Process> process_;
};

}  // namespace parley::integration

#endif  // TESTS_INTEGRATION_HARNESS_REALTIME_SERVER_H_
