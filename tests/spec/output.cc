#include "tests/spec/output.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "daemon/base/check.h"
#include "daemon/storage/queries.h"
#include "tests/sim/describe.h"
#include "tests/sim/socketio_text.h"
#include "tests/spec/spec_case.h"

namespace parley::spec {
namespace {

template <typename... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <typename... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

storage::ChangeFilter Everything() {
  storage::ChangeFilter filter;
  filter.kinds = model::Only(model::ObjectKind::kMessage) |
                 model::Only(model::ObjectKind::kOutboxEntry) |
                 model::Only(model::ObjectKind::kRoom) |
                 model::Only(model::ObjectKind::kDelivery);
  return filter;
}

std::string TimerLine(const core::SetTimer& set, base::MonotonicTime now) {
  const std::string name = core::DescribeTimer(set.timer);
  switch (set.timer.kind) {
    case core::TimerKind::kConnectRetry:
    case core::TimerKind::kJoinRetry:
    case core::TimerKind::kSendRetry:
      return absl::StrCat("timer ", name);
    default:
      return absl::StrCat("timer ", name, " in ",
                          absl::FormatDuration(set.at - now));
  }
}

}  // namespace

void Output::Add(const core::EffectBody& effect, base::MonotonicTime now) {
  const std::string line = std::visit(
      Overloaded{
          [](const core::Reply& reply) {
            return absl::StrCat("reply ", reply.call.value(), ": ",
                                sim::Describe(reply.result));
          },
          [](const core::OpenConnection& open) {
            return open.server_url == kOnlyServer ? std::string("open")
                                                  : "open " + open.server_url;
          },
          [this](const core::SendFrame& frame) {
            return FrameLine(frame.text);
          },
          [](const core::CloseConnection&) { return std::string("close"); },
          [](const core::FetchCredentials&) { return std::string("fetch"); },
          [this](const core::KeepCredentials& keep) {
            return keep.token.empty()
                       ? std::string("forget credentials")
                       : "keep " + TokenName(keep.token.Reveal());
          },
          [this, now](const core::SetTimer& set) {
            timers_.insert(set.timer);
            return TimerLine(set, now);
          },
          [this](const core::CancelTimer& cancel) {
            return timers_.erase(cancel.timer) == 0
                       ? std::string()
                       : "no timer " + core::DescribeTimer(cancel.timer);
          },
          [this](const core::FeedAdvanced&) {
            AddFeed();
            return std::string();
          },
          [this](const core::StatusChanged& changed) {
            return StatusLine(changed.status);
          },
          [this](const core::EngineRebuilt&) {
            timers_.clear();
            return std::string("rebuilt");
          },
          [](const core::Log&) { return std::string(); }},
      effect);
  if (!line.empty()) lines_.push_back(line);
}

void Output::OnFired(const core::TimerId& timer) { timers_.erase(timer); }

std::string Output::TokenName(absl::string_view token) const {
  const auto known = std::find(tokens_.begin(), tokens_.end(), token);
  if (known == tokens_.end()) return "a token that nobody gave";
  return absl::StrCat("token ", known - tokens_.begin() + 1);
}

std::string Output::FrameLine(const std::string& text) const {
  const sim::Frame frame = sim::ParseFrame(text);
  const bool offers = frame.event() == "auth:refresh";
  if (!offers && frame.kind != sim::Frame::Kind::kConnect) {
    return "frame " + sim::DescribeFrame(text);
  }
  const nlohmann::json& payload = offers ? frame.payload() : frame.data;
  return absl::StrCat("frame ", offers ? "auth:refresh" : "CONNECT", " with ",
                      TokenName(sim::TextMember(payload, "token")));
}

std::string Output::StatusLine(const model::CoreStatus& status) const {
  std::string line = sim::Describe(status);
  if (status.connection.attempt > 0) {
    absl::StrAppend(&line, " attempt=", status.connection.attempt);
  }
  if (!status.connection.device_online) absl::StrAppend(&line, " no_network");
  if (status.connection.server == model::Reachability::kUnreachable) {
    absl::StrAppend(&line, " unreachable");
  }
  if (status.connection.quality.level != model::QualityLevel::kUnknown) {
    absl::StrAppend(&line, " quality=",
                    model::QualityLevelName(status.connection.quality.level));
  }
  // A catch-up that found nothing to do, or did it, is as it should be.
  if (status.sync.phase == model::SyncPhase::kRunning ||
      status.sync.phase == model::SyncPhase::kCancelled ||
      status.sync.rooms_failed > 0 || status.sync.rooms_restarted > 0) {
    absl::StrAppend(&line, " ", sim::Describe(status.sync));
  }
  return line;
}

uint64_t Output::Epoch() const {
  const auto token = storage::MakeResumeToken(**store_, feed_);
  PARLEY_CHECK(token.ok());
  return token->epoch;
}

void Output::AddFeed() {
  const uint64_t before = std::exchange(epoch_, Epoch());
  if (before != 0 && before != epoch_) lines_.push_back("feed of a new epoch");
  const auto page =
      storage::ReadChanges(**store_, feed_, Everything(), SIZE_MAX);
  PARLEY_CHECK(page.ok());
  if (page->changes.empty()) lines_.push_back("feed without news");
  for (const model::Change& change : page->changes) {
    lines_.push_back(absl::StrCat("feed ", sim::ChangeKey(change), ": ",
                                  sim::ChangeValue(change)));
  }
  feed_ = page->next;
}

std::vector<std::string> Output::Take() { return std::exchange(lines_, {}); }

void Output::Reset() {
  lines_.clear();
  timers_.clear();
  epoch_ = 0;
  const auto page = storage::ReadChanges(**store_, model::ChangeSeq(),
                                         Everything(), SIZE_MAX);
  PARLEY_CHECK(page.ok());
  feed_ = page->next;
}

}  // namespace parley::spec
