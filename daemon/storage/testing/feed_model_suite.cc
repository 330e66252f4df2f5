#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/base/rng.h"
#include "daemon/storage/queries.h"
#include "daemon/storage/testing/samples.h"
#include "daemon/storage/testing/status_testing.h"
#include "daemon/storage/testing/suites.h"
#include "daemon/storage/testing/verify.h"

// Random changes to all kinds of objects, restarts and power cuts, against a
// model that knows nothing of keys and rows.
namespace parley::storage {
namespace {

constexpr uint64_t kMaxTombstones = 15;

// What the feed must show, by the name of each object.
struct Model {
  struct Live {
    uint64_t seq;
    std::string state;
  };
  std::map<std::string, Live> live;
  std::map<uint64_t, std::string> tombstones;
  uint64_t floor = 0;
  uint64_t last = 0;

  void Change(const std::string& name, const std::string& state) {
    live[name] = {++last, state};
  }
  void Remove(const std::string& name) {
    if (live.erase(name) == 0) return;
    tombstones[++last] = name;
    if (tombstones.size() > kMaxTombstones) {
      floor = tombstones.begin()->first;
      tombstones.erase(tombstones.begin());
    }
  }
  // By sequence: what a reader of the feed after `after` must get.
  std::map<uint64_t, std::string> After(uint64_t after) const {
    std::map<uint64_t, std::string> rows;
    for (const auto& [name, object] : live) {
      if (object.seq > after) {
        rows[object.seq] = absl::StrCat(name, "=", object.state);
      }
    }
    for (const auto& [seq, name] : tombstones) {
      if (seq > after) rows[seq] = absl::StrCat(name, " gone");
    }
    return rows;
  }
};

struct Namer {
  std::string operator()(const model::MessageView& view) const {
    return absl::StrCat("message ", view.message.client_id.value(), "=",
                        view.message.content.text);
  }
  std::string operator()(const model::OutboxEntry& entry) const {
    return absl::StrCat("entry ", entry.client_id.value(), "=",
                        entry.content.text);
  }
  std::string operator()(const model::Room& room) const {
    return absl::StrCat("room ", room.room.value(), "=", room.last_error);
  }
  std::string operator()(const model::Delivery& delivery) const {
    return absl::StrCat("delivery ", delivery.client_id.value(), "=",
                        delivery.message_id.value());
  }
  std::string operator()(const model::Tombstone& gone) const {
    switch (gone.kind) {
      case model::ObjectKind::kMessage:
        return absl::StrCat("message ", gone.client_id.value(), " gone");
      case model::ObjectKind::kOutboxEntry:
        return absl::StrCat("entry ", gone.client_id.value(), " gone");
      case model::ObjectKind::kRoom:
        return absl::StrCat("room ", gone.room.value(), " gone");
      case model::ObjectKind::kDelivery:
        return absl::StrCat("delivery ", gone.client_id.value(), " gone");
    }
    return "nothing";
  }
};

std::map<uint64_t, std::string> ReadAllAfter(const StoreReader& reader,
                                             uint64_t after,
                                             size_t page_bytes) {
  ChangeFilter everything;
  everything.kinds = ~model::ObjectKindSet{0};
  std::map<uint64_t, std::string> rows;
  model::ChangeSeq next(after);
  for (;;) {
    const auto page = ReadChanges(reader, next, everything, page_bytes);
    EXPECT_OK(page);
    if (!page.ok()) return rows;
    for (const model::Change& change : page->changes) {
      rows[change.seq.value()] = std::visit(Namer(), change.object);
    }
    next = page->next;
    if (page->at_end) return rows;
  }
}

// One random change, made in the tables and in the model.
class Mutator {
 public:
  Mutator(base::Rng* rng, Tables* tables, Model* model, uint64_t* next_seq)
      : rng_(rng), tables_(tables), model_(model), next_seq_(next_seq) {}

  absl::Status Mutate(int step) {
    const std::string state = absl::StrCat("s", step);
    const std::string id = absl::StrCat("c-", rng_->Below(25));
    switch (rng_->Below(8)) {
      case 0:
        return PutRoom(state);
      case 1:
        return RemoveRoom();
      case 2:
      case 3:
        return PutEntry(id, state);
      case 4:
        return Remove(id);
      case 5:
      case 6:
        return PutMessage(id, state);
      default:
        return PutDelivery(id, state);
    }
  }

 private:
  std::string RandomRoom() { return absl::StrCat("r", rng_->Below(4)); }

  absl::Status PutRoom(const std::string& state) {
    model::Room room = MakeRoom(RandomRoom());
    room.last_error = state;
    model_->Change("room " + room.room.value(), state);
    return tables_->PutRoom(&room);
  }

  absl::Status RemoveRoom() {
    const model::RoomId room(RandomRoom());
    model_->Remove("room " + room.value());
    return tables_->RemoveRoom(room);
  }

  absl::Status PutEntry(const std::string& id, const std::string& state) {
    auto found = tables_->FindOutboxEntry(model::ClientMessageId(id));
    if (!found.ok()) return found.status();
    model::OutboxEntry entry = found->has_value()
                                   ? **std::move(found)
                                   : MakeEntry(RandomRoom(), ++*next_seq_, id);
    if (rng_->OneIn(3)) {
      entry.state = model::OutboxState::kFailed;
    } else if (entry.state == model::OutboxState::kFailed) {
      entry.state = model::OutboxState::kPending;
      entry.seq = model::OutboxSeq(++*next_seq_);
    }
    entry.expires_at.reset();
    if (rng_->OneIn(2)) {
      entry.expires_at = At(static_cast<int64_t>(rng_->Below(1000)));
    }
    entry.content.text = state;
    model_->Change("entry " + id, state);
    model::SentRecord sent = MakeSent(id, 0);
    sent.outcome = model::SentRecord::Outcome::kQueued;
    if (absl::Status status = tables_->PutSent(sent); !status.ok()) {
      return status;
    }
    return tables_->PutOutboxEntry(&entry);
  }

  absl::Status Remove(const std::string& id) {
    const model::ClientMessageId client_id(id);
    switch (rng_->Below(3)) {
      case 0: {
        model_->Remove("entry " + id);
        if (absl::Status status = tables_->PutSent(
                MakeSent(id, static_cast<int64_t>(rng_->Below(1000))));
            !status.ok()) {
          return status;
        }
        return tables_->RemoveOutboxEntry(client_id);
      }
      case 1: {
        model_->Remove("message " + id);
        model::Message message = MakeEcho("any", id);
        return tables_->RemoveMessage(message);
      }
      default:
        model_->Remove("delivery " + id);
        return tables_->RemoveDelivery(client_id);
    }
  }

  // Echoes become messages; some change again, a few move to another room
  // (which is a removal and a new message).
  absl::Status PutMessage(const std::string& id, const std::string& state) {
    auto found = tables_->FindMessage(model::UserId("alice"),
                                      model::ClientMessageId(id));
    if (!found.ok()) return found.status();
    model::Message message =
        found->has_value() ? **std::move(found) : MakeEcho(RandomRoom(), id);
    if (message.change_seq != model::ChangeSeq() && rng_->OneIn(10)) {
      const model::RoomId old = message.room;
      message.room = model::RoomId(RandomRoom());
      if (message.room != old) model_->Remove("message " + id);
    }
    message.content.text = state;
    model_->Change("message " + id, state);
    if (message.id.empty() && rng_->OneIn(2)) {
      return tables_->PutMessage(&message, model::OutboxSeq(++*next_seq_));
    }
    if (message.id.empty()) message.id = model::MessageId("m-" + id);
    // Now and then a server gives a number twice.
    if (rng_->OneIn(2)) message.room_seq = rng_->Below(20);
    return tables_->PutMessage(&message, std::nullopt);
  }

  absl::Status PutDelivery(const std::string& id, const std::string& state) {
    model::Delivery delivery = MakeDelivery("r0", id);
    delivery.message_id = model::MessageId(state);
    model_->Change("delivery " + id, state);
    return tables_->PutDelivery(&delivery);
  }

  base::Rng* const rng_;
  Tables* const tables_;
  Model* const model_;
  uint64_t* const next_seq_;
};

struct KeptToken {
  model::ResumeToken token;
  bool lost = false;
};

// Resuming from each token yields exactly what changed since, or is refused
// exactly when something of that may be unknown.
void CheckTokens(const StoreReader& reader, const Model& model,
                 const std::vector<KeptToken>& tokens, base::Rng* rng) {
  for (const KeptToken& kept : tokens) {
    const auto decoded = DecodeResumeToken(EncodeResumeToken(kept.token));
    ASSERT_OK(decoded);
    ASSERT_OK_AND_ASSIGN(const ResumePoint point,
                         ResolveResumeToken(reader, *decoded));
    const uint64_t seq = kept.token.seq.value();
    ASSERT_EQ(point.fresh, kept.lost || seq < model.floor)
        << "epoch " << kept.token.epoch << " seq " << seq;
    const uint64_t after = point.fresh ? 0 : seq;
    ASSERT_EQ(point.after.value(), after);
    ASSERT_EQ(ReadAllAfter(reader, after, rng->OneIn(2) ? 1 : 1000),
              model.After(after));
  }
}

TEST_P(FeedModelTest, AgreesWithTheModel) {
  TableLimits limits;
  limits.max_tombstones = kMaxTombstones;
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    StartAnew();
    base::Rng rng(seed);
    OpenTables(limits);
    Model model;
    // The model after each commit since the last sync, that one first.
    std::vector<Model> durable = {model};
    std::vector<KeptToken> tokens;
    uint64_t next_seq = 0;
    for (int step = 0; step < 400; ++step) {
      ASSERT_OK(Mutator(&rng, &tables(), &model, &next_seq).Mutate(step));
      ASSERT_EQ(tables().last_change().value(), model.last);
      if (rng.OneIn(3)) continue;
      const bool sync = rng.OneIn(8);
      Commit(sync ? Durability::kSync : Durability::kRelaxed);
      if (sync) durable.clear();
      durable.push_back(model);
      if (rng.OneIn(12)) {
        ASSERT_OK_AND_ASSIGN(
            auto token,
            MakeResumeToken(*store(), model::ChangeSeq(model.last)));
        tokens.push_back({std::move(token)});
      }
      if (rng.OneIn(60)) {
        harness()->Restart();
        OpenTables(limits);
        // Opening is a sync commit.
        durable = {model};
      } else if (rng.OneIn(60)) {
        harness()->PowerCut();
        OpenTables(limits);
        const uint64_t last = tables().last_change().value();
        const auto kept =
            std::find_if(durable.begin(), durable.end(),
                         [last](const Model& m) { return m.last == last; });
        ASSERT_NE(kept, durable.end()) << "nothing was committed at " << last;
        model = *kept;
        durable = {model};
        for (KeptToken& token : tokens) {
          token.lost = token.lost || token.token.seq.value() > last;
        }
      }
      if (step % 20 == 0) {
        const auto snapshot = store()->NewSnapshot();
        ASSERT_OK(VerifyStore(*snapshot));
        ASSERT_NO_FATAL_FAILURE(CheckTokens(*snapshot, model, tokens, &rng));
      }
    }
  }
}

}  // namespace
}  // namespace parley::storage
