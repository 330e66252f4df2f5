#include "daemon/app/store_binding.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/storage/staged_store.h"
#include "daemon/storage/tables.h"

namespace parley::app {
namespace {

absl::Status Refuse(const std::string& state_dir, absl::string_view theirs,
                    absl::string_view ours) {
  return absl::FailedPreconditionError(
      absl::StrCat("the store in ", state_dir, " belongs to ", theirs,
                   ", but this daemon is configured for ", ours,
                   "; use a --profile of its own for each account"));
}

}  // namespace

absl::Status BindStore(const std::string& server_url, const model::UserId& user,
                       const std::string& state_dir, storage::Store* store) {
  storage::StagedStore staged(store);
  absl::StatusOr<storage::Tables> tables = storage::Tables::Open(&staged);
  if (!tables.ok()) return tables.status();
  absl::StatusOr<storage::StoreBinding> binding = tables->Binding();
  if (!binding.ok()) return binding.status();

  if (!binding->user.empty()) {
    if (!binding->server_url.empty() && binding->server_url != server_url) {
      return Refuse(state_dir, binding->server_url, server_url);
    }
    if (!user.empty() && user != binding->user) {
      return Refuse(state_dir, absl::StrCat("user ", binding->user.value()),
                    absl::StrCat("user ", user.value()));
    }
  }
  if (binding->server_url == server_url) return absl::OkStatus();
  binding->server_url = server_url;
  tables->PutBinding(*binding);
  staged.RequireSync();
  return store->Commit({staged.TakeTransaction()});
}

}  // namespace parley::app
