#include "daemon/platform/rtnetlink.h"

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <cstdint>
#include <cstring>
#include <string>

namespace parley::platform {
namespace {

// The attributes after a fixed header, or in another attribute, one at a time;
// a lie about a length ends them. Types from kMaxType on are of later kernels.
class Attributes {
 public:
  static constexpr int kMaxType = 64;

  Attributes(const nlmsghdr& message, size_t header_size) {
    const size_t offset = NLMSG_LENGTH(NLMSG_ALIGN(header_size));
    if (message.nlmsg_len < offset) return;
    Read(reinterpret_cast<const char*>(&message) + offset,
         message.nlmsg_len - offset);
  }

  bool Has(int type) const { return values_[type].data != nullptr; }
  std::string Bytes(int type) const {
    return Has(type) ? std::string(values_[type].data, values_[type].size)
                     : std::string();
  }
  // What is before the zero at its end.
  std::string Text(int type) const {
    std::string text = Bytes(type);
    text.resize(strnlen(text.data(), text.size()));
    return text;
  }
  uint32_t Number(int type, uint32_t otherwise) const {
    uint32_t number;
    if (!Has(type) || values_[type].size < sizeof(number)) return otherwise;
    std::memcpy(&number, values_[type].data, sizeof(number));
    return number;
  }
  Attributes Inside(int type) const {
    Attributes inside;
    if (Has(type)) inside.Read(values_[type].data, values_[type].size);
    return inside;
  }

 private:
  struct Value {
    const char* data = nullptr;
    size_t size = 0;
  };

  Attributes() = default;
  void Read(const char* at, size_t left) {
    while (left >= sizeof(rtattr)) {
      rtattr attribute;
      std::memcpy(&attribute, at, sizeof(attribute));
      if (attribute.rta_len < sizeof(attribute) || attribute.rta_len > left) {
        return;
      }
      if (attribute.rta_type < kMaxType) {
        values_[attribute.rta_type] = {at + RTA_LENGTH(0),
                                       attribute.rta_len - RTA_LENGTH(0)};
      }
      const size_t step = RTA_ALIGN(attribute.rta_len);
      if (step >= left) return;
      at += step;
      left -= step;
    }
  }

  Value values_[kMaxType];
};

// The fixed header of a message; none: it is too short.
template <typename Header>
std::optional<Header> ReadHeader(const nlmsghdr& message) {
  if (message.nlmsg_len < NLMSG_LENGTH(sizeof(Header))) return std::nullopt;
  Header header;
  std::memcpy(&header, NLMSG_DATA(&message), sizeof(header));
  return header;
}

bool IsInternet(int family) { return family == AF_INET || family == AF_INET6; }

// By the name of its driver; a card's has none.
Link::Kind KindOf(const std::string& driver) {
  if (driver == "bridge") return Link::Kind::kBridge;
  const bool inner = driver == "veth" || driver == "tun" || driver == "dummy";
  return inner ? Link::Kind::kInner : Link::Kind::kOther;
}

std::optional<Link> ParseLink(const nlmsghdr& message) {
  const auto header = ReadHeader<ifinfomsg>(message);
  // Bridges tell of their ports in AF_BRIDGE, with the port's number.
  if (!header.has_value() || header->ifi_family != AF_UNSPEC) {
    return std::nullopt;
  }
  Link link;
  link.index = header->ifi_index;
  link.loopback = (header->ifi_flags & IFF_LOOPBACK) != 0;
  link.up = (header->ifi_flags & IFF_UP) != 0 &&
            (header->ifi_flags & IFF_RUNNING) != 0;
  const Attributes attributes(message, sizeof(ifinfomsg));
  link.kind = KindOf(attributes.Inside(IFLA_LINKINFO).Text(IFLA_INFO_KIND));
  link.master = static_cast<int>(attributes.Number(IFLA_MASTER, 0));
  return link;
}

std::optional<Address> ParseAddress(const nlmsghdr& message) {
  const auto header = ReadHeader<ifaddrmsg>(message);
  if (!header.has_value() || !IsInternet(header->ifa_family)) {
    return std::nullopt;
  }
  const Attributes attributes(message, sizeof(ifaddrmsg));
  const uint32_t flags = attributes.Number(IFA_FLAGS, header->ifa_flags);
  Address address;
  address.link = static_cast<int>(header->ifa_index);
  // IFA_ADDRESS is the other end's on a link that has just one.
  address.bytes = attributes.Bytes(
      attributes.Has(IFA_LOCAL) ? static_cast<int>(IFA_LOCAL) : IFA_ADDRESS);
  if (address.bytes.empty()) return std::nullopt;
  address.prefix_length = header->ifa_prefixlen;
  const bool checked =
      (flags & IFA_F_DADFAILED) == 0 &&
      ((flags & IFA_F_TENTATIVE) == 0 || (flags & IFA_F_OPTIMISTIC) != 0);
  address.usable = checked && header->ifa_scope < RT_SCOPE_LINK;
  // The same bit means something else for IPv4.
  address.temporary =
      header->ifa_family == AF_INET6 && (flags & IFA_F_TEMPORARY) != 0;
  return address;
}

std::optional<Route> ParseRoute(const nlmsghdr& message) {
  const auto header = ReadHeader<rtmsg>(message);
  if (!header.has_value() || !IsInternet(header->rtm_family) ||
      header->rtm_type != RTN_UNICAST ||
      (header->rtm_flags & RTM_F_CLONED) != 0) {
    return std::nullopt;
  }
  const Attributes attributes(message, sizeof(rtmsg));
  Route route;
  route.table = attributes.Number(RTA_TABLE, header->rtm_table);
  if (route.table == RT_TABLE_LOCAL) return std::nullopt;
  route.family = header->rtm_family;
  route.priority = attributes.Number(RTA_PRIORITY, 0);
  route.destination = attributes.Bytes(RTA_DST);
  route.prefix_length = header->rtm_dst_len;
  route.gateway = attributes.Bytes(
      attributes.Has(RTA_VIA) ? static_cast<int>(RTA_VIA) : RTA_GATEWAY);
  route.link = static_cast<int>(attributes.Number(RTA_OIF, 0));
  return route;
}

template <typename Fact>
std::optional<NetworkChange> ToChange(const std::optional<Fact>& fact,
                                      bool removed) {
  if (!fact.has_value()) return std::nullopt;
  return NetworkChange{removed, *fact};
}

}  // namespace

std::optional<NetworkChange> ParseNetworkChange(const nlmsghdr& message) {
  switch (message.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      return ToChange(ParseLink(message), message.nlmsg_type == RTM_DELLINK);
    case RTM_NEWADDR:
    case RTM_DELADDR:
      return ToChange(ParseAddress(message), message.nlmsg_type == RTM_DELADDR);
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      return ToChange(ParseRoute(message), message.nlmsg_type == RTM_DELROUTE);
    default:
      return std::nullopt;
  }
}

}  // namespace parley::platform
