#ifndef CLIENTS_CPP_TESTING_MOCK_STUBS_H_
#define CLIENTS_CPP_TESTING_MOCK_STUBS_H_

// gMock mocks of the stubs, one a service, for tests of programs that use
// clients/cpp/client.h:
//
//   auto messages = std::make_unique<parley::v1::MockMessageServiceStub>();
//   EXPECT_CALL(*messages, SendMessage)
//       .WillOnce(Return(grpc::Status::OK));
//   parley::client::Stubs stubs;
//   stubs.messages = std::move(messages);
//   parley::client::Client client(std::move(stubs));
//
// A stream is mocked by MockReader, which the stub's ...Raw method hands over:
//
//   auto* reader = new MockReader<parley::v1::WatchMessagesResponse>;
//   EXPECT_CALL(*messages, WatchMessagesRaw).WillOnce(Return(reader));

// The generated headers have no guards: include this one instead.
#include <gmock/gmock.h>
#include <grpcpp/support/sync_stream.h>

#include "clients/cpp/testing/parley/v1/daemon_service_mock.grpc.pb.h"
#include "clients/cpp/testing/parley/v1/message_service_mock.grpc.pb.h"
#include "clients/cpp/testing/parley/v1/outbox_service_mock.grpc.pb.h"
#include "clients/cpp/testing/parley/v1/room_service_mock.grpc.pb.h"
#include "clients/cpp/testing/parley/v1/sync_service_mock.grpc.pb.h"

namespace parley::client {

template <typename Response>
class MockReader : public grpc::ClientReaderInterface<Response> {
 public:
  MOCK_METHOD(grpc::Status, Finish, (), (override));
  MOCK_METHOD(bool, NextMessageSize, (uint32_t*), (override));
  MOCK_METHOD(bool, Read, (Response*), (override));
  MOCK_METHOD(void, WaitForInitialMetadata, (), (override));
};

}  // namespace parley::client

#endif  // CLIENTS_CPP_TESTING_MOCK_STUBS_H_
