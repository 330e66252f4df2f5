#include "daemon/transport/testing/transport_test_bed.h"

#include <cstdlib>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/base/check.h"

namespace parley::transport::testing {

std::unique_ptr<LwsTransport> MakeTransport(
    RecordingSink* sink, const LwsTransport::Options& options) {
  absl::StatusOr<std::unique_ptr<LwsTransport>> transport =
      LwsTransport::Create(options, sink);
  PARLEY_CHECK(transport.ok());
  return *std::move(transport);
}

std::string WriteTestFile(const std::string& name, const std::string& content) {
  const char* const directory = std::getenv("TEST_TMPDIR");
  std::string path =
      absl::StrCat(directory == nullptr ? "/tmp" : directory, "/", name);
  std::ofstream(path) << content;
  return path;
}

std::vector<std::string> EventsWith(ScriptedPeer::Script script,
                                    core::TransportClosed* closed,
                                    const LwsTransport::Options& options) {
  ScriptedPeer peer(std::move(script));
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport = MakeTransport(&sink, options);
  transport->Open(core::ConnectionId(1), peer.url());
  // A test that waits in vain sees that there is no such line.
  sink.WaitFor("closed 1");
  transport->Stop();
  if (closed != nullptr) *closed = sink.last_closed();
  return sink.lines();
}

}  // namespace parley::transport::testing
