#include "clients/cli/status_text.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "clients/cli/humane.h"
#include "clients/cli/sync_text.h"

namespace parley::cli {
namespace {

std::string Age(const Context& context,
                const google::protobuf::Timestamp& since) {
  return HumaneDuration(absl::Now() - ToTime(since));
}

std::string DescribeNetwork(const v1::ConnectionStatus& connection) {
  const char* const device =
      connection.device_online() ? "the device is online" : "no network";
  switch (connection.server_reachability()) {
    case v1::SERVER_REACHABILITY_REACHABLE:
      return absl::StrCat(device, ", the server is reachable");
    case v1::SERVER_REACHABILITY_UNREACHABLE:
      return absl::StrCat(device, ", the server is not reachable");
    default:
      return absl::StrCat(device, ", the server was not tried yet");
  }
}

Cell DescribeQuality(const v1::ConnectionQuality& quality) {
  if (quality.level() == v1::QUALITY_LEVEL_UNSPECIFIED) {
    return Cell("not measured yet");
  }
  std::string text =
      EnumWord(v1::QualityLevel_Name(quality.level()), "QUALITY_LEVEL_");
  if (quality.has_average_latency()) {
    absl::StrAppend(
        &text, ", ",
        absl::ToInt64Milliseconds(ToDuration(quality.average_latency())),
        " ms");
  }
  absl::StrAppend(&text, " over ",
                  Count(quality.samples(), "sample", "samples"));
  if (quality.lost_samples() > 0) {
    absl::StrAppend(&text, ", ", quality.lost_samples(), " lost");
  }
  return Cell(std::move(text), quality.level() == v1::QUALITY_LEVEL_POOR
                                   ? Style::kBad
                                   : Style::kPlain);
}

// What the server can do, and on a line of its own what it cannot.
std::vector<std::string> DescribeServer(const v1::ServerCapabilities& server) {
  if (server.dialect() == v1::SERVER_DIALECT_UNSPECIFIED) {
    return {"none was met yet"};
  }
  std::vector<std::string> can = {absl::StrCat(
      EnumWord(v1::ServerDialect_Name(server.dialect()), "SERVER_DIALECT_"),
      " dialect",
      server.protocol_version().empty()
          ? ""
          : absl::StrCat(" ", server.protocol_version()))};
  std::vector<std::string> cannot;
  const auto add = [&](bool able, std::string yes, std::string no) {
    if (able) {
      can.push_back(std::move(yes));
    } else {
      cannot.push_back(std::move(no));
    }
  };
  add(server.message_ids(), "names messages", "no message ids");
  add(server.deduplicates_sends(), "recognises repeats",
      "may double a message");
  add(server.history(), "keeps history", "no history");
  add(server.durable_membership(), "remembers rooms", "forgets rooms");
  add(server.ordered_sends(),
      absl::StrCat(server.ordered_window(), " sends at once"),
      "one send at a time");
  std::vector<std::string> lines = {absl::StrJoin(can, ", ")};
  if (!cannot.empty()) {
    lines.push_back(absl::StrCat("but ", absl::StrJoin(cannot, ", ")));
  }
  return lines;
}

std::string DescribeOutbox(const Context& context,
                           const v1::OutboxStatus& outbox) {
  std::string text = absl::StrCat(outbox.queued(), " queued");
  if (outbox.has_oldest_queued_at()) {
    absl::StrAppend(&text, " (the oldest for ",
                    Age(context, outbox.oldest_queued_at()), ")");
  }
  if (outbox.failed() > 0) {
    absl::StrAppend(&text, ", ", outbox.failed(), " failed");
  }
  absl::StrAppend(&text, ", ", HumaneBytes(outbox.bytes()), " of ",
                  HumaneBytes(outbox.max_bytes()));
  return text;
}

Cell DescribeRooms(const v1::RoomsStatus& rooms) {
  std::string text = Count(rooms.rooms(), "room", "rooms");
  if (rooms.rooms() > 0)
    absl::StrAppend(&text, ", ", rooms.joined(), " joined");
  if (rooms.failed() > 0) {
    absl::StrAppend(&text, ", ", rooms.failed(), " refused");
  }
  return Cell(std::move(text),
              rooms.failed() > 0 ? Style::kBad : Style::kPlain);
}

Cell DescribeStore(const v1::StoreStatus& store) {
  std::string text =
      EnumWord(v1::StoreState_Name(store.state()), "STORE_STATE_");
  if (!store.error().empty()) absl::StrAppend(&text, ": ", store.error());
  return Cell(std::move(text), store.state() == v1::STORE_STATE_SERVING
                                   ? Style::kGood
                                   : Style::kBad);
}

}  // namespace

bool IsConnected(v1::ConnectionState state) {
  return state == v1::CONNECTION_STATE_READY ||
         state == v1::CONNECTION_STATE_CATCHING_UP;
}

Cell StateCell(v1::ConnectionState state) {
  std::string name(
      absl::StripPrefix(v1::ConnectionState_Name(state), "CONNECTION_STATE_"));
  switch (state) {
    case v1::CONNECTION_STATE_READY:
      return Cell(std::move(name), Style::kGood);
    case v1::CONNECTION_STATE_CREDENTIALS_REQUIRED:
      return Cell(std::move(name), Style::kBad);
    case v1::CONNECTION_STATE_STOPPED:
      return Cell(std::move(name));
    default:
      return Cell(name.empty() ? "UNKNOWN" : std::move(name), Style::kBusy);
  }
}

Cell RoomCell(const v1::Room& room) {
  if (room.membership() == v1::MEMBERSHIP_LEAVING) {
    return Cell("leaving", Style::kBusy);
  }
  switch (room.join_state()) {
    case v1::JOIN_STATE_JOINED:
      return Cell("joined", Style::kGood);
    case v1::JOIN_STATE_FAILED:
      return Cell("refused", Style::kBad);
    default:
      return Cell("pending", Style::kBusy);
  }
}

std::string DescribeConnection(const Context& context,
                               const v1::ConnectionStatus& connection) {
  std::vector<std::string> parts;
  if (connection.has_since()) {
    parts.push_back(absl::StrCat("for ", Age(context, connection.since())));
  }
  if (!connection.cause().empty()) parts.push_back(connection.cause());
  // A connection that is well may have refused something since, as a token.
  const bool current =
      !IsConnected(connection.state()) ||
      ToTime(connection.last_error_at()) > ToTime(connection.since());
  if (current && !connection.last_error_message().empty() &&
      connection.last_error_message() != connection.cause()) {
    parts.push_back(
        absl::StrCat("last error: ", connection.last_error_message()));
  }
  if (!IsConnected(connection.state()) && connection.failed_attempts() > 0) {
    parts.push_back(Count(connection.failed_attempts(), "failed attempt",
                          "failed attempts"));
  }
  if (connection.has_next_retry_at()) {
    parts.push_back(absl::StrCat(
        "next in ",
        HumaneDuration(ToTime(connection.next_retry_at()) - absl::Now())));
  }
  return absl::StrJoin(parts, ", ");
}

std::string DescribeAccount(const v1::ConnectionStatus& connection) {
  return connection.user_id().empty() ? "not known yet" : connection.user_id();
}

Cell DescribeToken(const v1::ConnectionStatus& connection) {
  if (!connection.has_token_expires_at()) {
    return Cell("none in use, or it does not say when it expires");
  }
  const absl::Duration left =
      ToTime(connection.token_expires_at()) - absl::Now();
  return left > absl::ZeroDuration()
             ? Cell(absl::StrCat("expires in ", HumaneDuration(left)))
             : Cell(absl::StrCat("expired ", HumaneDuration(-left), " ago"),
                    Style::kBad);
}

void PrintStatus(const v1::DaemonStatus& status, Context& context) {
  const v1::ConnectionStatus& connection = status.connection();
  std::vector<std::pair<std::string, Cell>> rows;
  rows.emplace_back("connection", StateCell(connection.state()));
  rows.emplace_back("", DescribeConnection(context, connection));
  rows.emplace_back("network", DescribeNetwork(connection));
  if (IsConnected(connection.state())) {
    rows.emplace_back("quality", DescribeQuality(connection.quality()));
  }
  rows.emplace_back("account", DescribeAccount(connection));
  if (connection.has_token_expires_at()) {
    rows.emplace_back("token", DescribeToken(connection));
  }
  rows.emplace_back("server", connection.server_url().empty()
                                  ? Cell("not configured", Style::kBad)
                                  : Cell(connection.server_url()));
  for (const std::string& line : DescribeServer(status.server())) {
    rows.emplace_back("", line);
  }
  rows.emplace_back(
      "outbox",
      Cell(DescribeOutbox(context, status.outbox()),
           status.outbox().failed() > 0 ? Style::kBad : Style::kPlain));
  rows.emplace_back("rooms", DescribeRooms(status.rooms()));
  if (status.sync().phase() == v1::SYNC_PHASE_RUNNING ||
      HasLeftSomething(status.sync())) {
    rows.emplace_back("sync", DescribeSync(status.sync()));
  }
  rows.emplace_back(
      "clients",
      absl::StrCat(
          Count(status.clients().connections(), "connection", "connections"),
          ", ", Count(status.clients().streams(), "stream", "streams")));
  rows.emplace_back("store", DescribeStore(status.store()));
  std::string daemon = absl::StrCat("parleyd ", status.version(), ", profile ",
                                    status.profile(), ", pid ", status.pid());
  if (status.has_started_at()) {
    absl::StrAppend(&daemon, ", up for ", Age(context, status.started_at()));
  }
  rows.emplace_back("daemon", daemon);
  context.out.Properties(rows);
}

}  // namespace parley::cli
