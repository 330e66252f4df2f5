#ifndef DAEMON_TRANSPORT_TESTING_TRANSPORT_TEST_BED_H_
#define DAEMON_TRANSPORT_TESTING_TRANSPORT_TEST_BED_H_

#include <memory>
#include <string>
#include <vector>

#include "daemon/core/api/event.h"
#include "daemon/transport/lws_transport.h"
#include "daemon/transport/testing/recording_sink.h"
#include "daemon/transport/testing/scripted_peer.h"

namespace parley::transport::testing {

// A transport that runs; never null.
std::unique_ptr<LwsTransport> MakeTransport(
    RecordingSink* sink, const LwsTransport::Options& options = {});

// A file of the test, and its name.
std::string WriteTestFile(const std::string& name, const std::string& content);

// Opens connection 1 to a peer that runs `script`, waits for its end, and
// returns all that was posted.
std::vector<std::string> EventsWith(ScriptedPeer::Script script,
                                    core::TransportClosed* closed = nullptr,
                                    const LwsTransport::Options& options = {});

}  // namespace parley::transport::testing

#endif  // DAEMON_TRANSPORT_TESTING_TRANSPORT_TEST_BED_H_
