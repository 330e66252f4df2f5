#ifndef DAEMON_RPC_DAEMON_SERVICE_H_
#define DAEMON_RPC_DAEMON_SERVICE_H_

#include <functional>
#include <optional>
#include <string>

#include "daemon/base/time.h"
#include "daemon/model/connection.h"
#include "daemon/rpc/edge.h"
#include "parley/v1/daemon_service.grpc.pb.h"

namespace parley::rpc {

// What the composition root knows of this process.
struct DaemonInfo {
  std::string version;
  std::string profile;
  base::WallTime started_at;
};

// How many connections are open, and how many may be.
struct ConnectionCount {
  int open = 0;
  int max = 0;
};

// parley.v1.DaemonService. Lives on the completion-queue thread.
class DaemonServiceImpl final : public Service {
 public:
  struct Options {
    DaemonInfo info;
    std::function<ConnectionCount()> connections;
    // Has the daemon stop; `peer` is gRPC's name of the connection that asks.
    // Called once; must not block.
    std::function<void(const std::string& peer)> shut_down;
  };

  explicit DaemonServiceImpl(Options options) : options_(std::move(options)) {}

  grpc::Service* grpc_service() override { return &generated_; }
  void Serve(const Edge& edge) override;

  // The status of the daemon around that of its core.
  parley::v1::DaemonStatus Status(const model::CoreStatus& core,
                                  ReadRound* round) const;

 private:
  void GetStatus(Respond<parley::v1::GetStatusResponse> respond);
  void GetCapabilities(Respond<parley::v1::GetCapabilitiesResponse> respond);
  void StoreStatus(ReadRound* round, parley::v1::StoreStatus* status) const;

  const Options options_;
  std::optional<Edge> edge_;
  bool shutting_down_ = false;
  parley::v1::DaemonService::AsyncService generated_;
};

}  // namespace parley::rpc

#endif  // DAEMON_RPC_DAEMON_SERVICE_H_
