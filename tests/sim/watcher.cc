#include "tests/sim/watcher.h"

#include <memory>
#include <utility>

#include "tests/sim/describe.h"

namespace parley::sim {
namespace {

// Small, so that a snapshot has many pages.
constexpr size_t kPageBytes = 2048;

}  // namespace

bool Watcher::Apply(const storage::StoreReader& reader, model::ChangeSeq* after,
                    View* view) const {
  for (;;) {
    const auto page = storage::ReadChanges(reader, *after, filter_, kPageBytes);
    if (!page.ok()) {
      verdict_->Fail(name_, " cannot read on: ", page.status().ToString());
      return false;
    }
    for (const model::Change& change : page->changes) {
      if (std::holds_alternative<model::Tombstone>(change.object)) {
        view->erase(ChangeKey(change));
      } else {
        (*view)[ChangeKey(change)] = ChangeValue(change);
      }
    }
    *after = page->next;
    if (page->at_end) return true;
  }
}

void Watcher::Read() {
  const std::unique_ptr<storage::StoreReader> snapshot = store_->NewSnapshot();
  if (!attached_) {
    std::optional<model::ResumeToken> token;
    if (!token_.empty()) {
      auto decoded = storage::DecodeResumeToken(token_);
      if (!decoded.ok()) {
        verdict_->Fail(name_, " has a token that is none");
        return;
      }
      token = *std::move(decoded);
    }
    const auto resume = storage::ResolveResumeToken(*snapshot, token);
    if (!resume.ok()) {
      verdict_->Fail(name_, " cannot resume: ", resume.status().ToString());
      return;
    }
    if (resume->fresh) {
      if (!token_.empty()) probes_->Hit("watcher.fresh");
      view_.clear();
    } else if (!token_.empty()) {
      probes_->Hit("watcher.resumed");
    }
    after_ = resume->after;
    attached_ = true;
  }
  if (!Apply(*snapshot, &after_, &view_)) return;
  const auto token = storage::MakeResumeToken(*snapshot, after_);
  if (!token.ok()) {
    verdict_->Fail(name_, " gets no token: ", token.status().ToString());
    return;
  }
  token_ = storage::EncodeResumeToken(*token);
}

void Watcher::Forget() {
  attached_ = false;
  token_.clear();
  view_.clear();
}

void Watcher::CheckCaughtUp() const {
  View truth;
  model::ChangeSeq from_the_start;
  if (!Apply(*store_, &from_the_start, &truth)) return;
  for (const auto& [key, value] : truth) {
    const auto shown = view_.find(key);
    if (shown == view_.end()) {
      verdict_->Fail(name_, " does not show ", key);
    } else if (shown->second != value) {
      verdict_->Fail(name_, " shows ", key, " as ", shown->second,
                     "; the store has ", value);
    }
  }
  for (const auto& [key, value] : view_) {
    if (truth.count(key) == 0) {
      verdict_->Fail(name_, " still shows ", key, ": ", value);
    }
  }
}

}  // namespace parley::sim
