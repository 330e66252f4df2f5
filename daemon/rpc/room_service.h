#ifndef DAEMON_RPC_ROOM_SERVICE_H_
#define DAEMON_RPC_ROOM_SERVICE_H_

#include "daemon/rpc/edge.h"
#include "parley/v1/room_service.grpc.pb.h"

namespace parley::rpc {

// parley.v1.RoomService. Lives on the completion-queue thread.
class RoomServiceImpl final : public Service {
 public:
  grpc::Service* grpc_service() override { return &generated_; }
  void Serve(const Edge& edge) override;

 private:
  parley::v1::RoomService::AsyncService generated_;
};

}  // namespace parley::rpc

#endif  // DAEMON_RPC_ROOM_SERVICE_H_
