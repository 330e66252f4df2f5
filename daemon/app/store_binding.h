#ifndef DAEMON_APP_STORE_BINDING_H_
#define DAEMON_APP_STORE_BINDING_H_

#include <string>

#include "absl/status/status.h"
#include "daemon/model/ids.h"
#include "daemon/storage/store.h"

namespace parley::app {

// Makes sure, before anything is sent, that a store is that of this account on
// this server. A store that has met neither is given its server, so that a
// wrong URL can be mended for as long as no account is known. One sync commit
// at most.
//
// FAILED_PRECONDITION, for a person: it belongs to another server or account.
// `server_url` is the first of several: the others lead to the same service, so
// one that is added or taken away changes nothing here.
// `user` is whom the token names; empty when nobody knows.
absl::Status BindStore(const std::string& server_url, const model::UserId& user,
                       const std::string& state_dir, storage::Store* store);

}  // namespace parley::app

#endif  // DAEMON_APP_STORE_BINDING_H_
