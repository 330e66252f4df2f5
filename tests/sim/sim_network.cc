#include "tests/sim/sim_network.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace parley::sim {

bool SimNetwork::OneIn1000(int per_mille) {
  return per_mille > 0 && rng_.Below(1000) < static_cast<uint64_t>(per_mille);
}

SimNetwork::Link* SimNetwork::Find(LinkId link) {
  const auto found = links_.find(link);
  return found == links_.end() ? nullptr : &found->second;
}

base::MonotonicTime SimNetwork::Arrival(base::MonotonicTime* next) {
  absl::Duration delay = rng_.DurationUpTo(faults_.latency);
  if (OneIn1000(faults_.stall)) delay += rng_.DurationUpTo(absl::Seconds(3));
  *next = std::max(*next, scheduler_->now() + delay);
  return *next;
}

LinkId SimNetwork::Open(LinkOwner* owner, core::ConnectionId connection) {
  const LinkId id = ++last_link_;
  Link& link = links_[id];
  link.owner = owner;
  link.connection = connection;
  if (OneIn1000(faults_.half_open)) {
    probes_->Hit("net.half_open");
    trace_->Line("net link ", id, " half-open");
    link.dead = true;
    return id;
  }
  if (!server_up_ || OneIn1000(faults_.refuse)) {
    probes_->Hit("net.refused");
    trace_->Line("net link ", id, " refused");
    link.dead = true;
    TellDevice(id, rng_.DurationUpTo(faults_.latency), 0, "connection refused");
    return id;
  }
  absl::Duration delay = rng_.DurationUpTo(faults_.latency * 2);
  if (OneIn1000(faults_.slow_connect)) {
    probes_->Hit("net.slow_connect");
    delay += rng_.DurationUpTo(absl::Seconds(30));
  }
  scheduler_->After(delay, [this, id] { Establish(id); });
  return id;
}

void SimNetwork::Establish(LinkId id) {
  Link* const link = Find(id);
  if (link == nullptr || link->owner == nullptr) return;
  if (!server_up_) {
    link->dead = true;
    return TellDevice(id, absl::ZeroDuration(), 0, "connection refused");
  }
  link->opened = true;
  link->at_server = true;
  trace_->Line("net link ", id, " up");
  if (faults_.mean_life > absl::ZeroDuration()) {
    scheduler_->After(rng_.DurationUpTo(faults_.mean_life * 2),
                      [this, id] { Die(id); });
  }
  link->owner->OnLinkEvent(core::TransportOpened{link->connection});
  // The device may have closed it at once.
  if (Find(id) != nullptr) server_->OnOpened(id);
}

void SimNetwork::Die(LinkId id) {
  Link* const link = Find(id);
  if (link == nullptr || link->dead) return;
  link->dead = true;
  link->late = OneIn1000(faults_.late_frames);
  const bool silent = OneIn1000(faults_.silent_death);
  probes_->Hit(silent ? "net.silent_death" : "net.death");
  trace_->Line("net link ", id, silent ? " dies silently" : " dies");
  if (silent) {
    // The device's heartbeat watch finds out. The server's does so too.
    TellServer(id, absl::Seconds(45));
    return;
  }
  TellDevice(id, rng_.DurationUpTo(absl::Milliseconds(200)), 0,
             "connection reset");
  TellServer(id, rng_.DurationUpTo(absl::Milliseconds(200)));
}

void SimNetwork::TellDevice(LinkId id, absl::Duration delay,
                            uint16_t close_code, const std::string& reason) {
  scheduler_->After(delay, [this, id, close_code, reason] {
    Link* const link = Find(id);
    if (link == nullptr || link->owner == nullptr) return;
    LinkOwner* const owner = std::exchange(link->owner, nullptr);
    core::TransportClosed closed;
    closed.connection = link->connection;
    closed.reason = reason;
    closed.close_code = close_code;
    Release(id);
    owner->OnLinkEvent(std::move(closed));
  });
}

void SimNetwork::TellServer(LinkId id, absl::Duration delay) {
  Link* const link = Find(id);
  if (link == nullptr || !link->at_server) return Release(id);
  // The end of a stream comes after everything in it.
  const base::MonotonicTime at =
      std::max(scheduler_->now() + delay, link->next_up);
  scheduler_->At(at, [this, id] {
    Link* const link = Find(id);
    if (link == nullptr || !link->at_server) return;
    link->at_server = false;
    server_->OnGone(id);
    Release(id);
  });
}

void SimNetwork::Release(LinkId id) {
  const Link* const link = Find(id);
  if (link == nullptr || link->owner != nullptr || link->at_server) return;
  links_.erase(id);
}

bool SimNetwork::CarriesToServer(LinkId link) const {
  const auto found = links_.find(link);
  return found != links_.end() && found->second.at_server &&
         (!found->second.dead || found->second.late);
}

void SimNetwork::Send(LinkId id, std::string text) {
  Link* const link = Find(id);
  if (link == nullptr || link->dead || link->owner == nullptr) return;
  if (!link->held.empty()) {
    const std::string held = std::exchange(link->held, "");
    Transmit(id, link, std::move(text));
    return Transmit(id, link, held);
  }
  if (OneIn1000(faults_.swap)) {
    link->held = std::move(text);
    return;
  }
  if (OneIn1000(faults_.twice)) Transmit(id, link, text);
  Transmit(id, link, std::move(text));
}

void SimNetwork::Transmit(LinkId id, Link* link, std::string text) {
  scheduler_->At(Arrival(&link->next_up), [this, id, text = std::move(text)] {
    Link* const link = Find(id);
    if (link == nullptr || !link->at_server) return;
    if (link->dead && !link->late) return;
    if (link->owner == nullptr) probes_->Hit("net.late_frame");
    server_->OnText(id, text);
  });
}

void SimNetwork::CloseByDevice(LinkId id) {
  Link* const link = Find(id);
  if (link == nullptr || link->owner == nullptr) return;
  link->owner = nullptr;
  if (!link->dead) {
    link->dead = true;
    link->late = OneIn1000(faults_.late_frames);
  }
  TellServer(id, rng_.DurationUpTo(absl::Milliseconds(100)));
}

void SimNetwork::ToClient(LinkId id, std::string frame) {
  Link* const link = Find(id);
  if (link == nullptr || link->dead || !link->at_server) return;
  scheduler_->At(
      Arrival(&link->next_down), [this, id, frame = std::move(frame)] {
        Link* const link = Find(id);
        if (link == nullptr || link->owner == nullptr || link->dead) return;
        link->owner->OnLinkEvent(core::TextReceived{link->connection, frame});
      });
}

void SimNetwork::EndByServer(LinkId id) {
  Link* const link = Find(id);
  if (link == nullptr || !link->at_server) return;
  link->at_server = false;
  if (link->owner == nullptr) return Release(id);
  // The close frame comes after what was sent before it.
  const base::MonotonicTime at = Arrival(&link->next_down);
  TellDevice(id, at - scheduler_->now(), 1000, "closed by the server");
}

void SimNetwork::CutAll() {
  std::vector<LinkId> ids;
  for (const auto& [id, link] : links_) ids.push_back(id);
  for (const LinkId id : ids) {
    Link* const link = Find(id);
    if (link == nullptr) continue;
    link->dead = true;
    link->late = false;
    TellServer(id, absl::ZeroDuration());
    if (Find(id) != nullptr) {
      TellDevice(id, absl::ZeroDuration(), 0, "connection reset");
    }
  }
}

}  // namespace parley::sim
