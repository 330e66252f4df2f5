#include "tests/spec/script.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "daemon/base/secret.h"
#include "daemon/storage/queries.h"
#include "tests/sim/token.h"

namespace parley::spec {
namespace {

using nlohmann::json;

absl::Status Cannot(const std::string& what) {
  return absl::InvalidArgumentError(what);
}

// Every member is known, or the step is wrong.
absl::Status OnlyMembers(const Json& object,
                         std::initializer_list<const char*> names) {
  for (const auto& [name, value] : object.items()) {
    bool known = false;
    for (const char* allowed : names) known |= name == allowed;
    if (!known) return Cannot("unknown member " + name);
  }
  return absl::OkStatus();
}

std::string TextOf(const Json& object, const char* name) {
  return object.contains(name) ? object[name].get<std::string>() : "";
}

// The step without what is not its action, once for each number.
std::vector<Json> Expand(const Json& step) {
  Json action = step;
  for (const char* name : {"expect", "show", "each"}) action.erase(name);
  if (!step.contains("each")) return {action};
  const std::string text = action.dump();
  std::vector<Json> steps;
  for (int number = step["each"][0]; number <= step["each"][1]; ++number) {
    steps.push_back(
        Json::parse(absl::StrReplaceAll(text, {{"#", absl::StrCat(number)}})));
  }
  return steps;
}

// The token that a client gives in this step.
std::string GivenToken(const Json& given) {
  return sim::SignToken({{"userId", given["user"].get<std::string>()},
                         {"given", given["number"].get<int>()}});
}

// The command of a client's step; nothing: it is no client's.
std::optional<core::CommandBody> CommandOf(const Json& step) {
  const auto id = [&step](const char* action) {
    return model::ClientMessageId(step[action].get<std::string>());
  };
  const auto room = [&step](const char* action) {
    return model::RoomId(step[action].get<std::string>());
  };
  if (step.contains("send")) {
    const Json& value = step["send"];
    core::SendMessage send;
    send.room = model::RoomId(value["room"].get<std::string>());
    send.client_id = model::ClientMessageId(TextOf(value, "id"));
    send.content.text = value["text"].get<std::string>();
    if (value.contains("expire_after_s")) {
      send.expire_after = absl::Seconds(value["expire_after_s"].get<int64_t>());
    }
    return send;
  }
  if (step.contains("join")) return core::JoinRoom{room("join")};
  if (step.contains("leave")) return core::LeaveRoom{room("leave")};
  if (step.contains("retry")) return core::RetryMessage{id("retry")};
  if (step.contains("cancel")) return core::CancelMessage{id("cancel")};
  if (step.contains("flush")) return core::FlushOutbox{};
  if (step.contains("connect")) return core::Connect{};
  if (step.contains("disconnect")) return core::Disconnect{};
  if (step.contains("status")) return core::GetStatus{};
  if (step.contains("sync")) {
    const Json& value = step["sync"];
    core::StartSync start;
    start.room = model::RoomId(TextOf(value, "room"));
    if (value.contains("deadline_s")) {
      start.deadline = absl::Seconds(value["deadline_s"].get<int64_t>());
    }
    return start;
  }
  if (step.contains("cancel_sync")) return core::CancelSync{};
  if (step.contains("set_credentials")) {
    return core::SetCredentials{
        base::Secret(GivenToken(step["set_credentials"]))};
  }
  if (step.contains("sign_out")) {
    const Json& value = step["sign_out"];
    return core::SignOut{value.value("discard", false),
                         value.value("wipe", false)};
  }
  return std::nullopt;
}

}  // namespace

Script::Script(const SpecCase& spec, SpecDisk* disk)
    : spec_(spec),
      disk_(disk),
      store_(disk->store()),
      trace_(&clock_, sim::Trace::Keep::kLastLines),
      verdict_(&trace_),
      truth_(spec.server, &verdict_, &trace_, &probes_),
      auditor_(disk->synced() == nullptr
                   ? nullptr
                   : std::make_unique<sim::Auditor>(
                         sim::Auditor::Options{spec.user, spec.server,
                                               spec.engine.outbox.max_entries,
                                               spec.engine.outbox.max_bytes},
                         &clock_, disk->store(), disk->synced(), &truth_,
                         &verdict_, &probes_)),
      output_(&store_),
      device_(spec.engine, disk, &clock_, auditor_.get(), spec.seed) {
  if (auditor_ != nullptr) truth_.AddListener(spec.user, auditor_.get());
  device_.SetManualCommits(spec.manual_commits);
  device_.SetListener([this](core::EffectBody& effect) { OnEffect(effect); });
}

void Script::OnEffect(core::EffectBody& effect) {
  output_.Add(effect, clock_.now());
  if (const auto* changed = std::get_if<core::StatusChanged>(&effect)) {
    cause_ = changed->status.connection.cause;
  } else if (const auto* keep = std::get_if<core::KeepCredentials>(&effect)) {
    kept_token_ = std::string(keep->token.Reveal());
  }
  const auto* sent = std::get_if<core::SendFrame>(&effect);
  if (sent == nullptr) return;
  const sim::Frame frame = sim::ParseFrame(sent->text);
  if (frame.kind != sim::Frame::Kind::kEvent) return;
  const json& payload = frame.payload();
  frames_.push_back({frame.event(), sim::TextMember(payload, "roomName"),
                     sim::TextMember(payload, "clientMessageId"),
                     sim::TextMember(payload, "content"),
                     frame.ack_id.value_or(0)});
}

absl::Status Script::Play(const Json& step) {
  show_.clear();
  if (step.contains("show")) {
    show_ = step["show"].get<std::vector<std::string>>();
  }
  for (const Json& one : Expand(step)) {
    if (absl::Status status = PlayOnce(one); !status.ok()) return status;
  }
  return absl::OkStatus();
}

std::vector<std::string> Script::TakeOutput() {
  std::vector<std::string> lines = output_.Take();
  if (show_.empty()) return lines;
  std::vector<std::string> shown;
  for (std::string& line : lines) {
    const bool wanted = std::any_of(show_.begin(), show_.end(),
                                    [&line](const std::string& head) {
                                      return absl::StartsWith(line, head);
                                    });
    if (wanted) shown.push_back(std::move(line));
  }
  return shown;
}

absl::Status Script::PlayOnce(const Json& step) {
  if (step.size() != 1) return Cannot("not one action: " + step.dump());
  const std::string action = step.items().begin().key();
  const Json& value = step[action];
  if (action == "send") {
    absl::Status status =
        OnlyMembers(value, {"room", "id", "text", "expire_after_s"});
    if (!status.ok()) return status;
  }
  if (action == "set_credentials") output_.OnToken(GivenToken(value));
  if (auto command = CommandOf(step); command.has_value()) {
    Call(*std::move(command));
    return absl::OkStatus();
  }
  if (action == "late") return PlayLate(value);
  if (action == "server") return PlayServer(value);
  absl::Status status = PlayNetwork(action, value);
  return absl::IsUnimplemented(status) ? PlayDevice(action, value) : status;
}

std::vector<core::CommandBody> Script::CommandsOf(const Json& step) {
  std::vector<core::CommandBody> commands;
  for (const Json& one : Expand(step)) {
    auto command = CommandOf(one);
    if (command.has_value()) commands.push_back(*std::move(command));
  }
  return commands;
}

void Script::Call(core::CommandBody body) {
  device_.Call(core::Command{core::CallId(++last_call_), std::move(body)});
}

// --- The device --------------------------------------------------------------

absl::Status Script::PlayDevice(const std::string& action, const Json& value) {
  if (action == "start") {
    device_.Start();
  } else if (action == "restart") {
    device_.Stop(/*power_cut=*/value == "power");
    store_ = disk_->store();
    output_.Reset();
    device_.Start();
  } else if (action == "timer") {
    return FireTimer(value.get<std::string>());
  } else if (action == "wait_is") {
    return CheckWait(value);
  } else if (action == "cause_has") {
    if (!absl::StrContains(cause_, value.get<std::string>())) {
      return Cannot("the cause is: " + cause_);
    }
  } else if (action == "network") {
    device_.Handle(core::NetworkChanged{value.get<bool>()});
  } else if (action == "resumed") {
    device_.Handle(core::SystemResumed{});
  } else if (action == "shows") {
    return Show(value.get<std::string>());
  } else if (action == "wait_s") {
    clock_.RunNext(clock_.now() + absl::Seconds(value.get<int64_t>()));
  } else if (action == "wait_ms") {
    clock_.RunNext(clock_.now() + absl::Milliseconds(value.get<int64_t>()));
  } else if (action == "commit") {
    if (!device_.CommitNext()) return Cannot("no commit waits");
  } else if (action == "commit_fails") {
    return FailCommit(value.get<std::string>());
  } else if (action == "recovered") {
    const absl::Status status =
        value == true ? absl::OkStatus()
                      : absl::ResourceExhaustedError("still full");
    if (!device_.Recovered(status)) return Cannot("nothing is recovered");
  } else if (action == "online") {
    return GoOnline(value);
  } else if (action == "reconnects") {
    return Reconnect();
  } else {
    return Cannot("unknown action " + action);
  }
  return absl::OkStatus();
}

absl::Status Script::FireTimer(const std::string& name) {
  for (const auto& [timer, at] : device_.timers()) {
    if (core::DescribeTimer(timer) != name) continue;
    const core::TimerId fired = timer;
    clock_.RunNext(at);
    output_.OnFired(fired);
    device_.Fire(fired);
    return absl::OkStatus();
  }
  return Cannot(absl::StrCat("the timer ", name, " is not set"));
}

absl::Status Script::CheckWait(const Json& wait) const {
  absl::Status known = OnlyMembers(wait, {"timer", "over_s", "at_most_s"});
  if (!known.ok()) return known;
  const std::string name = TextOf(wait, "timer");
  for (const auto& [timer, at] : device_.timers()) {
    if (core::DescribeTimer(timer) != name) continue;
    const absl::Duration left = at - clock_.now();
    if (absl::Seconds(wait["over_s"].get<int64_t>()) < left &&
        left <= absl::Seconds(wait["at_most_s"].get<int64_t>())) {
      return absl::OkStatus();
    }
    return Cannot(absl::StrCat(name, " waits ", absl::FormatDuration(left)));
  }
  return Cannot(absl::StrCat("the timer ", name, " is not set"));
}

absl::Status Script::Show(const std::string& room) {
  const auto page =
      storage::ListMessages(device_.store(), model::RoomId(room), {}, SIZE_MAX);
  if (!page.ok()) return page.status();
  for (const model::MessageView& view : page->messages) {
    output_.AddLine(absl::StrCat("message ", view.message.id.value(), " ",
                                 view.message.sender.value(), " \"",
                                 view.message.content.text, "\""));
  }
  return absl::OkStatus();
}

absl::Status Script::FailCommit(const std::string& how) {
  const absl::Status error = how == "full"
                                 ? absl::ResourceExhaustedError("disk full")
                                 : absl::InternalError("I/O error");
  if (!device_.FailNext(error, /*applied=*/how == "after")) {
    return Cannot("no commit waits");
  }
  return absl::OkStatus();
}

absl::Status Script::GoOnline(const Json& rooms) {
  device_.SetManualCommits(false);
  device_.Start();
  if (absl::Status status = Reconnect(); !status.ok()) return status;
  for (const Json& room : rooms) {
    Call(core::JoinRoom{model::RoomId(room.get<std::string>())});
    absl::Status status = PlayServer({{"joins", room}});
    if (!status.ok()) return status;
  }
  device_.SetManualCommits(spec_.manual_commits);
  output_.Take();
  return absl::OkStatus();
}

absl::Status Script::Reconnect() {
  const core::TimerId retry{core::TimerKind::kConnectRetry, {}};
  if (const auto at = device_.TimerAt(retry); at.has_value()) {
    clock_.RunNext(*at);
    output_.OnFired(retry);
    device_.Fire(retry);
  }
  Token(spec_.user);
  device_.Handle(core::TransportOpened{device_.connection()});
  for (const char* said : {"open", "connected"}) {
    if (absl::Status status = PlayServer({{said, true}}); !status.ok()) {
      return status;
    }
  }
  output_.Take();
  Ready(absl::ZeroDuration());
  return absl::OkStatus();
}

// --- The network -------------------------------------------------------------

absl::Status Script::PlayLate(const Json& step) {
  late_ = true;
  absl::Status status = PlayOnce(step);
  late_ = false;
  return status;
}

void Script::Token(const Json& user) {
  token_.clear();
  if (!user.is_null()) {
    json claims = {{"number", ++last_token_}};
    if (user.is_object()) {
      claims["userId"] = user["user"].get<std::string>();
      claims["exp"] = absl::ToUnixSeconds(clock_.Read().wall) +
                      user["expires_in_s"].get<int64_t>();
    } else {
      claims["userId"] = user.get<std::string>();
    }
    token_ = sim::SignToken(claims);
    output_.OnToken(token_);
  }
  GiveToken();
}

void Script::GiveToken() {
  core::CredentialsFetched fetched;
  fetched.fetch = late_ ? device_.dead_fetch() : device_.fetch();
  if (token_.empty()) {
    fetched.token = absl::NotFoundError("the token file is missing");
  } else {
    fetched.token = base::Secret(token_);
  }
  device_.Handle(std::move(fetched));
}

absl::Status Script::PlayNetwork(const std::string& action, const Json& value) {
  if (action == "token") {
    Token(value);
  } else if (action == "same_token") {
    GiveToken();
  } else if (action == "kept_token") {
    token_ = kept_token_;
    GiveToken();
  } else if (action == "opened") {
    device_.Handle(core::TransportOpened{connection()});
  } else if (action == "closed") {
    absl::Status status =
        OnlyMembers(value, {"reason", "code", "retry_after_s"});
    if (!status.ok()) return status;
    core::TransportClosed closed;
    closed.connection = connection();
    closed.reason = value.value("reason", "connection reset");
    closed.close_code = value.value("code", uint16_t{0});
    if (value.contains("retry_after_s")) {
      closed.retry_after = absl::Seconds(value["retry_after_s"].get<int64_t>());
    }
    device_.Handle(std::move(closed));
  } else if (action == "binary") {
    device_.Handle(core::BinaryReceived{connection(), value.get<size_t>()});
  } else {
    return absl::UnimplementedError(action);
  }
  return absl::OkStatus();
}

}  // namespace parley::spec
