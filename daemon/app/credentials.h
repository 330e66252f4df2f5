#ifndef DAEMON_APP_CREDENTIALS_H_
#define DAEMON_APP_CREDENTIALS_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "daemon/app/token_command.h"
#include "daemon/base/secret.h"
#include "daemon/runtime/ports.h"
#include "daemon/runtime/worker.h"

namespace parley::app {

// Gets the token anew for every connect, so that whoever renews it need tell
// nobody: the one that a client handed over, for as long as it is kept, or else
// that of the configured source.
//
// On a thread of its own: a program takes its time, and a file may be on a slow
// or dead disk. While one fetch is stuck there, later ones wait behind it and
// the core's own connect timeout says that nothing came; they are few, since
// the core makes the next only then.
class Credentials : public runtime::CredentialsPort {
 public:
  // One of the two, or none. $CREDENTIALS_DIRECTORY/token is a file too.
  struct Source {
    std::string file;  // empty: none
    std::optional<TokenCommand::Options> command;
  };

  // The sink must outlive this object.
  Credentials(Source source, runtime::EventSink* sink);
  ~Credentials() { Stop(); }

  // CredentialsPort.
  void Fetch(core::FetchId fetch) override;
  void Keep(base::Secret token) override;

  // Nothing is posted afterwards; a program that runs is killed. Before it, the
  // sink must have been told to block no longer.
  void Stop();

 private:
  absl::StatusOr<base::Secret> Read();
  absl::StatusOr<base::Secret> ReadFileAndWarn();

  const std::string file_;
  std::optional<TokenCommand> command_;
  runtime::EventSink* const sink_;
  bool warned_ = false;  // the worker's own
  base::Secret kept_;    // the core thread's own
  runtime::Worker worker_;
};

}  // namespace parley::app

#endif  // DAEMON_APP_CREDENTIALS_H_
