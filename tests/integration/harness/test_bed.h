#ifndef TESTS_INTEGRATION_HARNESS_TEST_BED_H_
#define TESTS_INTEGRATION_HARNESS_TEST_BED_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "clients/cpp/testing/temp_dir.h"
#include "tests/integration/harness/daemon.h"
#include "tests/integration/harness/realtime_server.h"

// Asserts that an absl::Status or absl::StatusOr is OK.
#define ASSERT_OK(expression)                                 \
  do {                                                        \
    const auto& assert_ok_result = (expression);              \
    ASSERT_TRUE(assert_ok_result.ok())                        \
        << ::parley::integration::StatusOf(assert_ok_result); \
  } while (false)

namespace parley::integration {

inline const absl::Status& StatusOf(const absl::Status& status) {
  return status;
}
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

// A reference server and daemons for one test, in a folder of their own. When
// the test fails, the ends of all logs are printed; everything is killed and
// removed in any case.
//
//   TestBed bed;
//   ASSERT_OK(bed.server().Start());
//   Daemon& alice = bed.AddDaemon("alice");
//   ASSERT_OK(alice.Start());
class TestBed {
 public:
  // `server_flags` are for tools/realtime_server/run.
  explicit TestBed(std::vector<std::string> server_flags = {});
  ~TestBed();

  TestBed(const TestBed&) = delete;
  TestBed& operator=(const TestBed&) = delete;

  const std::string& dir() const { return dir_.path(); }
  RealtimeServer& server() { return server_; }

  // A daemon of this user, with a token, for the server's address as it is at
  // this moment; not started. The name is that of its folder: a second daemon
  // of a user needs another one.
  Daemon& AddDaemon(const std::string& user, const std::string& name = "");

 private:
  void PrintLogs() const;

  client::TempDir dir_;
  RealtimeServer server_;
  std::vector<std::unique_ptr<Daemon>> daemons_;
  std::map<std::string, std::string> tokens_;  // by user
};

// Waits until the daemon's connection is in this state, for example "READY",
// by its status stream.
bool WaitForConnection(Daemon& daemon, const std::string& state,
                       absl::Duration timeout = kPatience);

}  // namespace parley::integration

#endif  // TESTS_INTEGRATION_HARNESS_TEST_BED_H_
