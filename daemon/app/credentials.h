#ifndef DAEMON_APP_CREDENTIALS_H_
#define DAEMON_APP_CREDENTIALS_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daemon/app/token.h"
#include "daemon/app/token_command.h"
#include "daemon/base/secret.h"
#include "daemon/runtime/ports.h"

namespace parley::app {

// Gets the token anew for every connect, so that whoever renews it need tell
// nobody: the one that a client handed over, for as long as it is kept, or else
// that of the configured source.
//
// The source is asked on a thread of its own: a program takes its time, and a
// file may be on a slow or dead disk. Neither a kept token nor the end of the
// daemon waits for that:
//
//   WORKING --Stop--> STOPPING --the thread ends--> STOPPED
//                        '--- it is stuck for kStopPatience ---> STOPPED, and
//                             the thread left behind with what is its own
class Credentials : public runtime::CredentialsPort {
 public:
  // One of the two, or none. $CREDENTIALS_DIRECTORY/token is a file too.
  struct Source {
    std::string file;  // empty: none
    std::optional<TokenCommand::Options> command;
  };
  using FileReader =
      std::function<absl::StatusOr<FileToken>(const std::string& path)>;

  static constexpr absl::Duration kStopPatience = absl::Seconds(2);

  // The sink must outlive this object. The reader may outlive it.
  Credentials(Source source, runtime::EventSink* sink,
              FileReader read_file = ReadTokenFile);
  ~Credentials() override { Stop(); }

  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;

  // CredentialsPort. While the source is stuck with one fetch only the last of
  // the later ones waits for it: the core has given the others up.
  void Fetch(core::FetchId fetch) override;
  void Keep(base::Secret token) override;

  // Nothing is posted afterwards; a program that runs is killed. Before it, the
  // sink must have been told to block no longer.
  void Stop();

 private:
  class Worker;

  runtime::EventSink* const sink_;
  base::Secret kept_;  // the core thread's own
  const std::shared_ptr<Worker> worker_;
  std::thread thread_;
};

}  // namespace parley::app

#endif  // DAEMON_APP_CREDENTIALS_H_
