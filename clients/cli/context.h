#ifndef CLIENTS_CLI_CONTEXT_H_
#define CLIENTS_CLI_CONTEXT_H_

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <functional>
#include <istream>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "clients/cli/exit_code.h"
#include "clients/cli/output.h"
#include "clients/cpp/client.h"

namespace parley::cli {

// What a verb works with.
struct Context {
  client::Client& client;
  Output& out;
  std::istream& in;
  // As it was named on the command line, for what messages suggest.
  std::string profile;
  // --timeout or its default, and when it is over.
  absl::Duration timeout;
  absl::Time deadline;
  // The same of a wait for what others do, which has an end only when --timeout
  // was given.
  absl::Time wait_deadline;
  absl::TimeZone zone;

  // Reads stdin to its end, without the newline that ends it. False when that
  // has more than `max_bytes`.
  bool ReadStdin(size_t max_bytes, std::string* text);

  // How a time is written for a person.
  std::string Format(const google::protobuf::Timestamp& time) const;

  // Writes one line that says what could not be done, why, and what to do.
  //   doing: completes "cannot ...".
  ExitCode Fail(absl::string_view doing, const grpc::Status& status);

  // Calls a unary method before the deadline.
  //   Call(&v1::DaemonService::StubInterface::GetStatus, client.daemon(),
  //        request, &response)
  template <typename Stub, typename Request, typename Response>
  grpc::Status Call(grpc::Status (Stub::*method)(grpc::ClientContext*,
                                                 const Request&, Response*),
                    Stub& stub, const Request& request, Response* response) {
    return CallUntil(deadline, method, stub, request, response);
  }

  template <typename Stub, typename Request, typename Response>
  static grpc::Status CallUntil(
      absl::Time deadline,
      grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                   Response*),
      Stub& stub, const Request& request, Response* response) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(deadline));
    return (stub.*method)(&context, request, response);
  }
};

// A verb with its arguments, as parsed.
using Command = std::function<ExitCode(Context&)>;

}  // namespace parley::cli

#endif  // CLIENTS_CLI_CONTEXT_H_
