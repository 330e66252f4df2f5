#ifndef DAEMON_APP_CREDENTIALS_H_
#define DAEMON_APP_CREDENTIALS_H_

#include <string>

#include "absl/status/statusor.h"
#include "daemon/base/secret.h"
#include "daemon/runtime/ports.h"
#include "daemon/runtime/worker.h"

namespace parley::app {

// A token is a few kilobytes at most; this is what HTTP servers take.
inline constexpr size_t kMaxTokenBytes = 64 * 1024;

struct Token {
  base::Secret value;
  // People other than the owner can read the file.
  bool exposed = false;
};

// The token in a file, without the white space around it. FAILED_PRECONDITION
// says what is missing, or wrong with it; an empty `path` is a missing setting.
absl::StatusOr<Token> ReadToken(const std::string& path);

// Reads the token file anew for every connect, so that whoever renews it need
// tell nobody. On a thread of its own: the file may be on a slow or dead disk.
class TokenFileCredentials : public runtime::CredentialsPort {
 public:
  // The sink must outlive this object.
  TokenFileCredentials(std::string path, runtime::EventSink* sink);

  // CredentialsPort.
  void Fetch(core::FetchId fetch) override;
  void Keep(base::Secret token) override;

  // Nothing is posted afterwards. Before it, the sink must have been told to
  // block no longer.
  void Stop() { worker_.Stop(); }

 private:
  void ReadAndPost(core::FetchId fetch);

  const std::string path_;
  runtime::EventSink* const sink_;
  bool warned_ = false;  // the worker's own
  base::Secret kept_;    // the core thread's own
  runtime::Worker worker_;
};

}  // namespace parley::app

#endif  // DAEMON_APP_CREDENTIALS_H_
