#include "daemon/rpc/validate.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "daemon/model/errors.h"

namespace parley::rpc {

absl::StatusOr<model::RoomId> RoomField(absl::string_view room) {
  const absl::Status status = model::ValidateRoomId(room);
  if (!status.ok()) return model::InvalidField("room", status.message());
  return model::RoomId(room);
}

absl::StatusOr<std::optional<model::RoomId>> RoomFilterField(
    absl::string_view room) {
  if (room.empty()) return std::optional<model::RoomId>();
  auto id = RoomField(room);
  if (!id.ok()) return id.status();
  return std::optional<model::RoomId>(*std::move(id));
}

absl::StatusOr<base::Secret> TokenField(absl::string_view token) {
  if (token.empty()) return model::InvalidField("token", "is empty");
  if (token.size() > kMaxTokenBytes) {
    return model::InvalidField(
        "token", absl::StrCat("has ", token.size(), " bytes; at most ",
                              kMaxTokenBytes, " are allowed"));
  }
  if (!std::all_of(token.begin(), token.end(), absl::ascii_isgraph)) {
    return model::InvalidField(
        "token",
        "is not one word of printable ASCII characters, as a token is");
  }
  return base::Secret(token);
}

absl::StatusOr<model::ClientMessageId> ClientMessageIdField(
    absl::string_view id) {
  const absl::Status status = model::ValidateClientMessageId(id);
  if (!status.ok()) {
    return model::InvalidField("client_message_id", status.message());
  }
  return model::ClientMessageId(id);
}

}  // namespace parley::rpc
