// Joins a room, says hello and prints what is said there, until it is killed.
#include <iostream>

#include "clients/cpp/client.h"

int main() {
  auto client = parley::client::Client::Open({});
  if (!client.ok()) return std::cerr << client.status() << "\n", 1;

  grpc::ClientContext join_context;
  parley::v1::JoinRoomRequest join;
  join.set_room("general");
  parley::v1::JoinRoomResponse joined;
  grpc::Status status =
      (*client)->rooms().JoinRoom(&join_context, join, &joined);
  if (!status.ok()) return std::cerr << status.error_message() << "\n", 1;

  grpc::ClientContext send_context;
  parley::v1::SendMessageRequest message;
  message.set_room("general");
  message.set_text("hello from C++");
  parley::v1::SendMessageResponse sent;
  status = (*client)->messages().SendMessage(&send_context, message, &sent);
  if (!status.ok()) return std::cerr << status.error_message() << "\n", 1;

  grpc::ClientContext watch_context;
  parley::v1::WatchMessagesRequest watch;
  watch.set_room("general");
  auto reader = (*client)->messages().WatchMessages(&watch_context, watch);
  parley::v1::WatchMessagesResponse batch;
  while (reader->Read(&batch)) {
    for (const auto& update : batch.updates()) {
      if (!update.has_message()) continue;
      std::cout << update.message().sender() << ": " << update.message().text()
                << std::endl;
    }
  }
  return std::cerr << reader->Finish().error_message() << "\n", 1;
}
