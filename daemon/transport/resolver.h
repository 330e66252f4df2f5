#ifndef DAEMON_TRANSPORT_RESOLVER_H_
#define DAEMON_TRANSPORT_RESOLVER_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace parley::transport {

// Numeric addresses, the best one first.
using Addresses = std::vector<std::string>;

// Looks a host name up. May block for as long as the system likes.
using LookUpFunction =
    std::function<absl::StatusOr<Addresses>(const std::string& host)>;

// getaddrinfo. At most kMaxAddresses, without repeats, families in turn.
absl::StatusOr<Addresses> SystemLookUp(const std::string& host);

// Keeps the order within each family and the first one in front, and takes from
// both in turn: a network where one family leads nowhere costs one dial, not
// one for each of its addresses.
Addresses InterleaveFamilies(const Addresses& addresses);

// A name with more addresses than this is tried at its first ones.
inline constexpr size_t kMaxAddresses = 8;

// Looks names up on threads of its own, because getaddrinfo blocks and cannot
// be cancelled. A lookup that hangs is left to itself: its late result reaches
// nobody once the resolver is gone. Thread-safe.
class Resolver {
 public:
  using Callback = std::function<void(absl::StatusOr<Addresses>)>;

  explicit Resolver(LookUpFunction look_up);
  // Waits for a callback that is running; none is called afterwards.
  ~Resolver();

  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Calls `done` once, on another thread; or returns why no lookup could be
  // started: kMaxLookups of them hang already.
  absl::Status Start(const std::string& host, Callback done);

  // Hanging lookups that are borne with.
  static constexpr int kMaxLookups = 4;

 private:
  struct Shared;

  const LookUpFunction look_up_;
  const std::shared_ptr<Shared> shared_;
};

}  // namespace parley::transport

#endif  // DAEMON_TRANSPORT_RESOLVER_H_
