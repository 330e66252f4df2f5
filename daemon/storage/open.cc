#include "daemon/storage/open.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/model/limits.h"
#include "daemon/storage/change_feed.h"
#include "daemon/storage/keys.h"
#include "daemon/storage/read_record.h"
#include "daemon/storage/records.h"

namespace parley::storage {
namespace {

absl::Status Create(Store* store, const std::string& store_id) {
  const auto rows = store->Scan({}, {}, 1, ScanOrder::kAscending);
  if (!rows.ok()) return rows.status();
  if (!rows->empty()) {
    return DamagedRecord(MetaKey(MetaField::kSchema),
                         "it is missing, but the store is not empty");
  }
  const std::string schema = MetaKey(MetaField::kSchema);
  const std::string id = MetaKey(MetaField::kStoreId);
  const std::string epochs = MetaKey(MetaField::kFeedEpochs);
  Transaction transaction;
  transaction.durability = Durability::kSync;
  transaction.writes = {
      {schema, EncodeSchemaVersion(schema, kSchemaVersion)},
      {id, EncodeStoreId(id, store_id)},
      {epochs, EncodeFeedEpochs(epochs, {{1, model::ChangeSeq()}})}};
  return store->Commit({transaction});
}

absl::Status CheckSchema(uint32_t version) {
  if (version > kSchemaVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the store was written by a newer version of this program (schema ",
        version, ", this version knows ", kSchemaVersion,
        "); install that version again, or give this one another state "
        "directory. Nothing was changed"));
  }
  if (version == 0) {
    return DamagedRecord(MetaKey(MetaField::kSchema),
                         "there is no schema version 0");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status StartEpoch(Store* store) {
  auto epochs = ReadFeedEpochs(*store);
  if (!epochs.ok()) return epochs.status();
  const auto last = ReadLastChange(*store);
  if (!last.ok()) return last.status();
  const std::string key = MetaKey(MetaField::kFeedEpochs);
  if (*last < epochs->back().start) {
    return DamagedRecord(key, "the change feed ends before its epoch starts");
  }
  epochs->push_back({epochs->back().epoch + 1, *last});
  if (epochs->size() > model::kMaxFeedEpochs) epochs->erase(epochs->begin());
  Transaction transaction;
  transaction.durability = Durability::kSync;
  transaction.writes = {{key, EncodeFeedEpochs(key, *epochs)}};
  return store->Commit({transaction});
}

absl::Status PrepareStore(Store* store, const std::string& new_store_id) {
  const auto schema =
      ReadRecord(*store, MetaKey(MetaField::kSchema), DecodeSchemaVersion);
  if (!schema.ok()) return schema.status();
  if (!schema->has_value()) return Create(store, new_store_id);
  if (absl::Status status = CheckSchema(**schema); !status.ok()) return status;
  const auto store_id =
      ReadExisting(*store, MetaKey(MetaField::kStoreId), DecodeStoreId);
  if (!store_id.ok()) return store_id.status();
  return StartEpoch(store);
}

}  // namespace parley::storage
