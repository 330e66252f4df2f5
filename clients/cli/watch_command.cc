#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cli/humane.h"
#include "clients/cli/message_text.h"
#include "clients/cli/status_text.h"
#include "clients/cli/sync_text.h"
#include "clients/cli/verb.h"

namespace parley::cli {
namespace {

// One stream a topic, each read by a thread of its own, all written to one
// output. The first stream that ends ends all of them.
class Watcher {
 public:
  explicit Watcher(Context& context) : context_(context) {}

  // Reads `topics` until a stream ends, and returns the reason of the first.
  grpc::Status Run(const std::vector<std::string>& topics) {
    std::vector<std::thread> threads;
    calls_.reserve(topics.size());
    for (size_t i = 0; i < topics.size(); ++i) {
      calls_.push_back(std::make_unique<grpc::ClientContext>());
    }
    for (size_t i = 0; i < topics.size(); ++i) {
      threads.emplace_back([this, topic = topics[i], call = calls_[i].get()] {
        ReadTopic(topic, call);
      });
    }
    for (std::thread& thread : threads) thread.join();
    return end_;
  }

 private:
  void ReadTopic(const std::string& topic, grpc::ClientContext* call) {
    client::Client& client = context_.client;
    if (topic == "status") {
      Read<v1::WatchStatusResponse>(
          topic, client.daemon().WatchStatus(call, v1::WatchStatusRequest()));
    } else if (topic == "rooms") {
      Read<v1::WatchRoomsResponse>(
          topic, client.rooms().WatchRooms(call, v1::WatchRoomsRequest()));
    } else if (topic == "messages") {
      Read<v1::WatchMessagesResponse>(
          topic,
          client.messages().WatchMessages(call, v1::WatchMessagesRequest()));
    } else if (topic == "outbox") {
      Read<v1::WatchOutboxResponse>(
          topic, client.outbox().WatchOutbox(call, v1::WatchOutboxRequest()));
    } else {
      Read<v1::WatchSyncResponse>(
          topic, client.sync().WatchSync(call, v1::WatchSyncRequest()));
    }
  }

  template <typename Response>
  void Read(const std::string& topic,
            std::unique_ptr<grpc::ClientReaderInterface<Response>> reader) {
    Response response;
    bool can_write = true;
    while (can_write && reader->Read(&response)) {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (context_.out.is_json()) {
        context_.out.JsonOfTopic(topic, response);
      } else {
        for (const auto& update : response.updates()) Print(update);
      }
      can_write = context_.out.good();
    }
    if (!can_write) {
      EndAll(grpc::Status(grpc::StatusCode::CANCELLED,
                          "what was seen could not be written"));
    }
    EndAll(reader->Finish());
  }

  void EndAll(const grpc::Status& status) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!ended_) end_ = status;
    ended_ = true;
    for (const auto& call : calls_) call->TryCancel();
  }

  void Print(const v1::DaemonStatus& status) {
    // Much changes in a status that this line does not tell.
    v1::ConnectionStatus connection = status.connection();
    connection.clear_quality();
    std::string told = absl::StrCat(connection.SerializeAsString(),
                                    status.outbox().SerializeAsString());
    if (told == told_status_) return;
    told_status_ = std::move(told);
    context_.out.Line(
        {Now(), Cell("status", Style::kHeading),
         StateCell(status.connection().state()),
         DescribeConnection(context_, status.connection()),
         absl::StrCat("(outbox: ", status.outbox().queued(), " queued, ",
                      status.outbox().failed(), " failed)")});
  }

  void Print(const v1::RoomUpdate& update) {
    const Cell topic("room", Style::kHeading);
    if (!update.removed_room().empty()) {
      context_.out.Line({Now(), topic, update.removed_room(), "left"});
      return;
    }
    const v1::Room& room = update.room();
    context_.out.Line(
        {Now(), topic, room.name(), RoomCell(room), room.last_error()});
  }

  void Print(const v1::MessageUpdate& update) {
    const Cell topic("message", Style::kHeading);
    if (update.has_message()) {
      const v1::Message& message = update.message();
      context_.out.Line(
          {context_.Format(message.sent_at()), topic, message.room(),
           absl::StrCat(message.sender().empty() ? "?" : message.sender(), ":"),
           DescribeText(message), DeliveryCell(message.delivery_state())});
    } else if (update.has_removed()) {
      const v1::RemovedMessage& removed = update.removed();
      context_.out.Line({Now(), topic, removed.room(),
                         removed.client_message_id().empty()
                             ? removed.message_id()
                             : removed.client_message_id(),
                         "removed"});
    } else if (update.has_delivery()) {
      const v1::Delivery& delivery = update.delivery();
      context_.out.Line({Now(), topic, delivery.room(),
                         delivery.client_message_id(),
                         DeliveryCell(delivery.state())});
    }
  }

  void Print(const v1::OutboxUpdate& update) {
    const Cell topic("outbox", Style::kHeading);
    if (update.has_entry()) {
      const v1::OutboxEntry& entry = update.entry();
      context_.out.Line({Now(), topic, entry.room(), entry.client_message_id(),
                         OutboxCell(entry.state()), DescribeFailure(entry)});
    } else if (update.has_removed()) {
      const v1::RemovedOutboxEntry& removed = update.removed();
      context_.out.Line(
          {Now(), topic, removed.room(), removed.client_message_id(),
           Cell("gone"),
           removed.message_id().empty()
               ? std::string()
               : absl::StrCat("(sent as ", removed.message_id(), ")")});
    }
  }

  void Print(const v1::SyncState& state) {
    context_.out.Line(
        {Now(), Cell("sync", Style::kHeading), DescribeSync(state)});
  }

  Cell Now() const {
    return HumaneTime(absl::Now(), absl::Now(), context_.zone);
  }

  Context& context_;
  std::vector<std::unique_ptr<grpc::ClientContext>> calls_;
  std::mutex mutex_;  // the output, and the fields below
  bool ended_ = false;
  grpc::Status end_;
  std::string told_status_;
};

const std::vector<std::string>& Topics() {
  static const auto* const topics = new std::vector<std::string>{
      "status", "rooms", "messages", "outbox", "sync"};
  return *topics;
}

}  // namespace

void AddWatchCommand(CLI::App* app, Command* chosen) {
  CLI::App* verb =
      AddVerb(app, "watch",
              "What is there and then what changes, until it is interrupted; "
              "with --json one response a line, with its topic",
              "parleyctl watch --topics messages,outbox --json");
  const auto topics = std::make_shared<std::vector<std::string>>();
  verb->add_option("--topics", *topics,
                   "of status, rooms, messages, outbox and sync (default: all)")
      ->type_name("A,B")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::IsMember(Topics()));
  verb->callback([chosen, topics] {
    *chosen = [topics](Context& context) {
      std::vector<std::string> wanted = topics->empty() ? Topics() : *topics;
      std::sort(wanted.begin(), wanted.end());
      wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
      return context.Fail("watch any longer", Watcher(context).Run(wanted));
    };
  });
}

}  // namespace parley::cli
