#include "tests/spec/script.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/base/secret.h"
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
  std::string action;
  for (const auto& [name, value] : step.items()) {
    if (name == "expect") continue;
    if (!action.empty()) return Cannot("two actions: " + step.dump());
    action = name;
  }
  if (action.empty()) return Cannot("no action");
  const Json& value = step[action];
  if (action == "send") {
    absl::Status status =
        OnlyMembers(value, {"room", "id", "text", "expire_after_s"});
    if (!status.ok()) return status;
  }
  if (auto command = CommandOf(step); command.has_value()) {
    Call(*std::move(command));
    return absl::OkStatus();
  }
  if (action == "server") return PlayServer(value);
  absl::Status status = PlayNetwork(action, value);
  return absl::IsUnimplemented(status) ? PlayDevice(action, value) : status;
}

std::optional<core::CommandBody> Script::CommandOf(const Json& step) {
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
  return std::nullopt;
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
  } else if (action == "wait_s") {
    clock_.RunNext(clock_.now() + absl::Seconds(value.get<int64_t>()));
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
  Ready();
  return absl::OkStatus();
}

// --- The network -------------------------------------------------------------

void Script::Token(const Json& user) {
  core::CredentialsFetched fetched;
  fetched.fetch = device_.fetch();
  if (user.is_null()) {
    fetched.token = absl::NotFoundError("the token file is missing");
  } else {
    fetched.token =
        base::Secret(sim::SignToken({{"userId", user.get<std::string>()},
                                     {"fetch", device_.fetch().value()}}));
  }
  device_.Handle(std::move(fetched));
}

absl::Status Script::PlayNetwork(const std::string& action, const Json& value) {
  if (action == "token") {
    Token(value);
  } else if (action == "opened") {
    device_.Handle(core::TransportOpened{device_.connection()});
  } else if (action == "closed") {
    absl::Status status =
        OnlyMembers(value, {"reason", "code", "retry_after_s"});
    if (!status.ok()) return status;
    core::TransportClosed closed;
    closed.connection = device_.connection();
    closed.reason = value.value("reason", "connection reset");
    closed.close_code = value.value("code", uint16_t{0});
    if (value.contains("retry_after_s")) {
      closed.retry_after = absl::Seconds(value["retry_after_s"].get<int64_t>());
    }
    device_.Handle(std::move(closed));
  } else if (action == "binary") {
    device_.Handle(
        core::BinaryReceived{device_.connection(), value.get<size_t>()});
  } else {
    return absl::UnimplementedError(action);
  }
  return absl::OkStatus();
}

}  // namespace parley::spec
