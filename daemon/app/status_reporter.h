#ifndef DAEMON_APP_STATUS_REPORTER_H_
#define DAEMON_APP_STATUS_REPORTER_H_

#include <string>

#include "absl/status/status.h"
#include "daemon/app/readiness.h"
#include "daemon/model/connection.h"
#include "daemon/runtime/ports.h"
#include "daemon/runtime/worker.h"

namespace parley::app {

// Passes on to the clients what the core says, and tells the service manager
// and the log of the connection's state whenever that changes. Core thread,
// which never waits for the service manager: a thread of its own does.
class StatusReporter : public runtime::ClientPort {
 public:
  // Both must outlive the reporter.
  StatusReporter(runtime::ClientPort* clients, Readiness* readiness);

  // ClientPort.
  void OnReply(core::CallId call,
               absl::StatusOr<core::ReplyBody> result) override;
  void OnFeedAdvanced(model::ChangeSeq last) override;
  void OnStatus(const model::CoreStatus& status) override;

  void OnStoreStatus(const absl::Status& status);

  void Stop() { worker_.Stop(); }

 private:
  void Report(const std::string& line);

  runtime::ClientPort* const clients_;
  Readiness* const readiness_;
  std::string reported_;
  std::string connection_;  // the last line about it
  runtime::Worker worker_;
};

// "READY: alice at http://h", "WAITING: connection refused by ...".
std::string DescribeConnection(const model::ConnectionStatus& status);

}  // namespace parley::app

#endif  // DAEMON_APP_STATUS_REPORTER_H_
