#include "daemon/wire/history.h"

#include <algorithm>
#include <utility>

#include "daemon/model/limits.h"
#include "daemon/wire/event_names.h"
#include "daemon/wire/field_reader.h"
#include "daemon/wire/message_codec.h"

namespace parley::wire {
namespace {

using nlohmann::json;

// More than any server answers with, whatever was asked for.
constexpr size_t kMaxPageMessages = 10000;

}  // namespace

Request EncodeHistoryRequest(const model::RoomId& room,
                             const std::string& cursor, uint32_t limit) {
  json payload = {{"roomName", room.value()}, {"limit", limit}};
  if (!cursor.empty()) payload["cursor"] = cursor;
  return {kHistoryRequest, std::move(payload)};
}

bool DecodeHistoryPage(const model::RoomId& room, const json& data,
                       HistoryPage* page, std::string* problem) {
  if (!data.is_object()) {
    *problem = "the page is no object";
    return false;
  }
  FieldReader reader("", data, problem);
  const json* messages = reader.List({"messages"}, kMaxPageMessages);
  if (messages == nullptr) {
    reader.Fail("messages", "is missing");
    return false;
  }
  page->cursor = reader.Name({"cursor"}, model::kMaxCursorBytes);
  page->has_more = reader.Flag({"hasMore"});
  page->epoch = reader.Name({"historyEpoch"}, model::kMaxForeignIdBytes);
  if (page->cursor.empty()) reader.Fail("cursor", "is missing");
  const json* last_change = reader.Find({"lastChange"});
  page->last_change = reader.Number({"lastChange"});
  if (!reader.ok()) return false;
  uint64_t last = 0;
  for (const json& one : *messages) {
    MessageReceived received;
    const model::Message& message = received.message;
    std::string why;
    if (!one.is_object()) {
      why = "it is no object";
    } else if (DecodeMessage(Placement::kPayload, one, &received.message,
                             &why)) {
      if (message.id.empty()) why = "messageId is missing";
      if (message.room != room) why = "it is of another room";
    }
    if (why.empty()) {
      DecodeChange(one, &received);
      last = std::max(last, received.change);
      page->messages.push_back(std::move(received));
    } else if (page->malformed++ == 0) {
      page->problem = std::move(why);
    }
  }
  if (last_change == nullptr) page->last_change = last;
  return true;
}

bool IsEpochChanged(const RequestError& error) {
  return error.code == "EPOCH_CHANGED";
}

}  // namespace parley::wire
