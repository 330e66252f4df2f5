#ifndef DAEMON_STORAGE_TESTING_SAMPLES_H_
#define DAEMON_STORAGE_TESTING_SAMPLES_H_

#include <cstdint>
#include <string>

#include "daemon/model/capabilities.h"
#include "daemon/model/message.h"
#include "daemon/model/outbox.h"
#include "daemon/model/room.h"

// Objects for tests. The Full ones have every field set, to values that are not
// its default.
namespace parley::storage {

base::WallTime At(int64_t unix_ms);

model::MessageContent FullContent();
model::Message FullMessage();
model::OutboxEntry FullOutboxEntry();
model::OutboxRoom FullOutboxRoom();
model::SentRecord FullSentRecord();
model::Delivery FullDelivery();
model::Room FullRoom();
model::ServerCapabilities FullCapabilities();

// Small ones, told apart by their identities.
model::Room MakeRoom(const std::string& name);
model::OutboxEntry MakeEntry(const std::string& room, uint64_t seq,
                             const std::string& client_id);
model::Message MakeMessage(const std::string& room, const std::string& id,
                           uint64_t room_seq);
// A local echo, without id and room_seq.
model::Message MakeEcho(const std::string& room, const std::string& client_id);
model::Delivery MakeDelivery(const std::string& room,
                             const std::string& client_id);
model::SentRecord MakeSent(const std::string& client_id, int64_t settled_ms);

}  // namespace parley::storage

#endif  // DAEMON_STORAGE_TESTING_SAMPLES_H_
