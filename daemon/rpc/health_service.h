#ifndef DAEMON_RPC_HEALTH_SERVICE_H_
#define DAEMON_RPC_HEALTH_SERVICE_H_

#include <set>
#include <string>

#include "daemon/rpc/edge.h"
#include "grpc/health/v1/health.grpc.pb.h"

namespace parley::rpc {

// The name under which the connection to the server is asked for.
inline constexpr char kUpstreamHealth[] = "parley.upstream";

// grpc.health.v1.Health. gRPC's own would bring threads that wake four times a
// second for nothing.
//
// "" and each service serve when the core answers and the store can be read and
// written; kUpstreamHealth serves while there is a connection, also one that is
// catching up. A Check asks the core, so that a core that hangs does not look
// healthy; Watch tells what was heard last. Lives on the completion-queue
// thread.
class HealthServiceImpl final : public Service {
 public:
  // `services` are the full names of those that can be asked for.
  explicit HealthServiceImpl(std::set<std::string> services)
      : services_(std::move(services)) {}

  grpc::Service* grpc_service() override { return &generated_; }
  void Serve(const Edge& edge) override;

 private:
  bool IsKnown(const std::string& service) const;

  const std::set<std::string> services_;
  grpc::health::v1::Health::AsyncService generated_;
};

}  // namespace parley::rpc

#endif  // DAEMON_RPC_HEALTH_SERVICE_H_
