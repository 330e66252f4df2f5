#ifndef TESTS_INTEGRATION_HARNESS_CALLS_H_
#define TESTS_INTEGRATION_HARNESS_CALLS_H_

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/cpp/client.h"
#include "parley/v1/daemon_service.pb.h"
#include "parley/v1/message_service.pb.h"
#include "parley/v1/outbox_service.pb.h"
#include "parley/v1/room_service.pb.h"
#include "tests/integration/harness/wait_for.h"

namespace parley::integration {

// Calls to a daemon, each with a deadline; the gRPC code of a failure is the
// status' code. Any number of threads may use it.
class Calls {
 public:
  // The client must outlive this object.
  explicit Calls(client::Client* client) : client_(client) {}

  // Waits for a daemon that is not there yet. After a restart this is the call
  // to begin with: the others fail while the client still waits to reconnect.
  absl::StatusOr<v1::DaemonStatus> Status();

  absl::Status Connect();
  absl::Status Join(const std::string& room);
  // The client message id. Empty: the daemon makes one.
  absl::StatusOr<std::string> Send(const std::string& room,
                                   const std::string& text,
                                   const std::string& client_id = "");
  // The newest 1,000 messages of the room, oldest first.
  absl::StatusOr<std::vector<v1::Message>> Messages(const std::string& room);
  // The first 1,000 rooms.
  absl::StatusOr<std::vector<v1::Room>> Rooms();
  // The first 1,000 entries.
  absl::StatusOr<std::vector<v1::OutboxEntry>> Outbox();

  // Watches the status until it is so. A failure says how it was last.
  absl::Status WaitUntil(
      absl::FunctionRef<bool(const v1::DaemonStatus&)> condition,
      absl::Duration timeout = kPatience);
  absl::Status WaitUntilReady(absl::Duration timeout = kPatience);
  // Ready, and nothing is left to send.
  absl::Status WaitUntilSent(absl::Duration timeout = kPatience);

 private:
  client::Client* const client_;
};

}  // namespace parley::integration

#endif  // TESTS_INTEGRATION_HARNESS_CALLS_H_
