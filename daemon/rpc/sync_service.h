#ifndef DAEMON_RPC_SYNC_SERVICE_H_
#define DAEMON_RPC_SYNC_SERVICE_H_

#include "daemon/rpc/edge.h"
#include "parley/v1/sync_service.grpc.pb.h"

namespace parley::rpc {

// parley.v1.SyncService. Lives on the completion-queue thread.
class SyncServiceImpl final : public Service {
 public:
  grpc::Service* grpc_service() override { return &generated_; }
  void Serve(const Edge& edge) override;

 private:
  parley::v1::SyncService::AsyncService generated_;
};

}  // namespace parley::rpc

#endif  // DAEMON_RPC_SYNC_SERVICE_H_
