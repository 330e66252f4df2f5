#ifndef DAEMON_PLATFORM_NETWORK_PICTURE_H_
#define DAEMON_PLATFORM_NETWORK_PICTURE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <variant>

namespace parley::platform {

// What can be known of a device's network, one fact at a time.
struct Link {
  enum class Kind {
    kOther,
    kBridge,  // leads where its ports lead
    kInner,   // its other end is on this device: a container's, or a VM's
  };
  int index = 0;
  Kind kind = Kind::kOther;
  bool loopback = false;
  bool up = false;  // switched on, and something is at the other end
  int master = 0;   // the link that it is a port of; 0: none
};
struct Address {
  int link = 0;
  std::string bytes;  // 4 or 16, in network order
  int prefix_length = 0;
  // Others than neighbours can be reached from it, and it is in use: neither
  // link-local, nor still to be checked for duplicates.
  bool usable = false;
  // Replaced by the system every day, although the network stays (RFC 8981).
  bool temporary = false;
};
struct Route {
  int link = 0;  // 0: the system does not name one
  int family = 0;
  uint32_t table = 0;
  uint32_t priority = 0;
  std::string destination;  // empty: everything
  int prefix_length = 0;
  std::string gateway;  // empty: none
};
struct NetworkChange {
  bool removed = false;
  std::variant<Link, Address, Route> what;
};

// The device's links, addresses and routes, as far as they decide how it gets
// out. Pure; not thread-safe.
class NetworkPicture {
 public:
  // Facts beyond these numbers are left out: a router with more of them is
  // judged by the first.
  static constexpr size_t kMaxLinks = 1024;
  static constexpr size_t kMaxAddresses = 4096;
  static constexpr size_t kMaxRoutes = 1024;

  // Routes to more than this are no way out but a way to somewhere. Not 0,
  // because VPNs split "everything" in two, and IPv6 has 2000::/3.
  static constexpr int kMaxWidePrefix = 3;

  void Apply(const NetworkChange& change);

  // Some link that leads out has a usable address.
  //
  // A default route is not asked for: the server may be on the LAN, or behind a
  // VPN. Nor do all links with an address lead out: docker0 and virbr0 are up
  // while a container or a VM runs, cable or not. So a bridge counts only for
  // what says that it leads beyond this device: a port that does, or a wide
  // route. All other links count, a container's own end of its cable too: where
  // the kernel does not tell, an attempt in vain is better than silence.
  bool online() const;

  // Two pictures with the same ways give the same connections; any other
  // difference is none for us. Opaque text.
  std::string Ways() const;

  // Something was left out.
  bool is_truncated() const { return truncated_; }

 private:
  using AddressKey = std::tuple<int, std::string, int>;
  using RouteKey =
      std::tuple<int, int, uint32_t, uint32_t, std::string, int, std::string>;

  void ApplyLink(const Link& link, bool removed);
  void ApplyAddress(const Address& address, bool removed);
  void ApplyRoute(const Route& route, bool removed);
  // Beside loopback, and up.
  const Link* FindUsable(int link) const;
  bool LeadsOut(int link) const;

  std::map<int, Link> links_;
  std::map<AddressKey, Address> addresses_;
  std::set<RouteKey> routes_;
  bool truncated_ = false;
};

}  // namespace parley::platform

#endif  // DAEMON_PLATFORM_NETWORK_PICTURE_H_
