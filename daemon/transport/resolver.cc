#include "daemon/transport/resolver.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "daemon/base/mutex.h"

namespace parley::transport {

struct Resolver::Shared {
  base::Mutex mutex;
  int running ABSL_GUARDED_BY(mutex) = 0;
  bool closed ABSL_GUARDED_BY(mutex) = false;
};

absl::StatusOr<Addresses> SystemLookUp(const std::string& host) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  // Not AI_ADDRCONFIG: it would hide ::1 on a device that is offline.
  addrinfo* list = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (error != 0) {
    return absl::UnavailableError(absl::StrCat(
        "cannot look up ", host, ": ",
        error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error)));
  }
  Addresses addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    char text[NI_MAXHOST];
    if (getnameinfo(entry->ai_addr, entry->ai_addrlen, text, sizeof(text),
                    nullptr, 0, NI_NUMERICHOST) != 0) {
      continue;
    }
    if (std::find(addresses.begin(), addresses.end(), text) ==
        addresses.end()) {
      addresses.emplace_back(text);
    }
  }
  freeaddrinfo(list);
  if (addresses.empty()) {
    return absl::UnavailableError(
        absl::StrCat("cannot look up ", host, ": it has no address"));
  }
  addresses = InterleaveFamilies(addresses);
  addresses.resize(std::min(addresses.size(), kMaxAddresses));
  return addresses;
}

Addresses InterleaveFamilies(const Addresses& addresses) {
  const auto is_ipv6 = [](const std::string& address) {
    return address.find(':') != std::string::npos;
  };
  Addresses result = addresses;
  // What is before `done` is in its place, and ends with the family `last`.
  for (size_t done = 1; done < result.size(); ++done) {
    const bool last = is_ipv6(result[done - 1]);
    const auto begin = result.begin() + static_cast<ptrdiff_t>(done);
    const auto next = std::find_if(
        begin, result.end(),
        [&](const std::string& address) { return is_ipv6(address) != last; });
    if (next != result.end()) std::rotate(begin, next, next + 1);
  }
  return result;
}

Resolver::Resolver(LookUpFunction look_up)
    : look_up_(std::move(look_up)), shared_(std::make_shared<Shared>()) {}

Resolver::~Resolver() {
  base::MutexLock lock(&shared_->mutex);
  shared_->closed = true;
}

absl::Status Resolver::Start(const std::string& host, Callback done) {
  {
    base::MutexLock lock(&shared_->mutex);
    if (shared_->running == kMaxLookups) {
      return absl::ResourceExhaustedError(
          absl::StrCat("cannot look up ", host, ": ", kMaxLookups,
                       " lookups before it have not been answered"));
    }
    ++shared_->running;
  }
  auto work = [shared = shared_, look_up = look_up_, host,
               done = std::move(done)] {
    absl::StatusOr<Addresses> result = look_up(host);
    base::MutexLock lock(&shared->mutex);
    --shared->running;
    if (!shared->closed) done(std::move(result));
  };
  try {
    std::thread(std::move(work)).detach();
  } catch (const std::system_error& error) {
    base::MutexLock lock(&shared_->mutex);
    --shared_->running;
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot look up ", host, ": no thread: ", error.what()));
  }
  return absl::OkStatus();
}

}  // namespace parley::transport
