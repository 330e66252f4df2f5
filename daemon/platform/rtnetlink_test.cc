#include "daemon/platform/rtnetlink.h"

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <cstring>
#include <memory>
#include <string>

#include "gtest/gtest.h"

namespace parley::platform {
namespace {

// A message of the kernel, in a buffer of its exact size, so that a sanitizer
// sees every step beyond it.
class Message {
 public:
  template <typename Header>
  Message(int type, const Header& header) : type_(type) {
    body_.assign(reinterpret_cast<const char*>(&header), sizeof(header));
    Pad();
  }

  Message& Add(int type, const std::string& value) {
    rtattr attribute;
    attribute.rta_type = static_cast<uint16_t>(type);
    attribute.rta_len = static_cast<uint16_t>(RTA_LENGTH(value.size()));
    body_.append(reinterpret_cast<const char*>(&attribute), sizeof(attribute));
    body_.append(value);
    Pad();
    return *this;
  }
  Message& Add(int type, uint32_t value) {
    return Add(type, std::string(reinterpret_cast<const char*>(&value),
                                 sizeof(value)));
  }
  // Another attribute in it, with text as the kernel writes it.
  Message& AddNested(int type, int inner_type, const std::string& text) {
    const std::string value(text.c_str(), text.size() + 1);
    rtattr attribute;
    attribute.rta_type = static_cast<uint16_t>(inner_type);
    attribute.rta_len = static_cast<uint16_t>(RTA_LENGTH(value.size()));
    std::string nested(reinterpret_cast<const char*>(&attribute),
                       sizeof(attribute));
    nested.append(value);
    nested.resize(RTA_ALIGN(nested.size()));
    return Add(type, nested);
  }
  Message& AddRaw(const std::string& bytes) {
    body_.append(bytes);
    return *this;
  }

  std::optional<NetworkChange> Parse() const {
    return ParseFirst(body_.size());
  }

  // As if it had been cut off after so many bytes of its body.
  std::optional<NetworkChange> ParseFirst(size_t body_size) const {
    nlmsghdr header = {};
    header.nlmsg_len = NLMSG_LENGTH(body_size);
    header.nlmsg_type = static_cast<uint16_t>(type_);
    const auto buffer = std::make_unique<char[]>(header.nlmsg_len);
    std::memcpy(buffer.get(), &header, sizeof(header));
    std::memcpy(buffer.get() + NLMSG_HDRLEN, body_.data(), body_size);
    return ParseNetworkChange(*reinterpret_cast<const nlmsghdr*>(buffer.get()));
  }
  size_t body_size() const { return body_.size(); }

 private:
  void Pad() { body_.resize(NLMSG_ALIGN(body_.size())); }

  const int type_;
  std::string body_;
};

template <typename Fact>
Fact Get(const std::optional<NetworkChange>& change) {
  if (!change.has_value() || !std::holds_alternative<Fact>(change->what)) {
    ADD_FAILURE() << "not of this kind";
    return Fact();
  }
  return std::get<Fact>(change->what);
}

// --- Links -------------------------------------------------------------------

ifinfomsg LinkHeader(unsigned int flags) {
  ifinfomsg header = {};
  header.ifi_index = 7;
  header.ifi_flags = flags;
  return header;
}

TEST(RtnetlinkTest, ALinkIsUpWhenItIsOnAndConnected) {
  const auto parse = [](unsigned int flags) {
    return Get<Link>(Message(RTM_NEWLINK, LinkHeader(flags)).Parse());
  };
  EXPECT_EQ(parse(IFF_UP | IFF_RUNNING).index, 7);
  EXPECT_TRUE(parse(IFF_UP | IFF_RUNNING).up);
  EXPECT_FALSE(parse(IFF_UP).up) << "no cable";
  EXPECT_FALSE(parse(IFF_RUNNING).up) << "switched off";
  EXPECT_FALSE(parse(IFF_UP | IFF_RUNNING).loopback);
  EXPECT_TRUE(parse(IFF_UP | IFF_RUNNING | IFF_LOOPBACK).loopback);
}

TEST(RtnetlinkTest, WhatALinkIsMadeOf) {
  const auto parse = [](const std::string& driver) {
    return Get<Link>(Message(RTM_NEWLINK, LinkHeader(IFF_UP))
                         .AddNested(IFLA_LINKINFO, IFLA_INFO_KIND, driver)
                         .Parse())
        .kind;
  };
  EXPECT_EQ(parse("bridge"), Link::Kind::kBridge);
  EXPECT_EQ(parse("veth"), Link::Kind::kInner);
  EXPECT_EQ(parse("tun"), Link::Kind::kInner);
  EXPECT_EQ(parse("dummy"), Link::Kind::kInner);
  EXPECT_EQ(parse("wireguard"), Link::Kind::kOther);
  EXPECT_EQ(parse("vlan"), Link::Kind::kOther);
  EXPECT_EQ(parse(""), Link::Kind::kOther);
  EXPECT_EQ(Get<Link>(Message(RTM_NEWLINK, LinkHeader(IFF_UP)).Parse()).kind,
            Link::Kind::kOther)
      << "a card says nothing";
}

TEST(RtnetlinkTest, APortNamesItsBridge) {
  const Message message(RTM_NEWLINK, LinkHeader(IFF_UP));
  EXPECT_EQ(Get<Link>(message.Parse()).master, 0);
  EXPECT_EQ(Get<Link>(Message(message).Add(IFLA_MASTER, 5).Parse()).master, 5);
}

TEST(RtnetlinkTest, ALinkGoes) {
  const auto change = Message(RTM_DELLINK, LinkHeader(0)).Parse();
  ASSERT_TRUE(change.has_value());
  EXPECT_TRUE(change->removed);
  EXPECT_EQ(Get<Link>(change).index, 7);
}

TEST(RtnetlinkTest, ThePortOfABridgeIsNoLinkThatGoes) {
  ifinfomsg header = LinkHeader(0);
  header.ifi_family = AF_BRIDGE;
  EXPECT_FALSE(Message(RTM_DELLINK, header).Parse().has_value());
}

// --- Addresses ---------------------------------------------------------------

ifaddrmsg AddressHeader(int family, int scope = RT_SCOPE_UNIVERSE) {
  ifaddrmsg header = {};
  header.ifa_family = static_cast<uint8_t>(family);
  header.ifa_prefixlen = 24;
  header.ifa_scope = static_cast<uint8_t>(scope);
  header.ifa_index = 7;
  return header;
}

TEST(RtnetlinkTest, AnAddressOfALink) {
  const auto change = Message(RTM_NEWADDR, AddressHeader(AF_INET))
                          .Add(IFA_ADDRESS, "peer")
                          .Add(IFA_LOCAL, "ours")
                          .Parse();
  const auto address = Get<Address>(change);
  EXPECT_FALSE(change->removed);
  EXPECT_EQ(address.link, 7);
  EXPECT_EQ(address.bytes, "ours");
  EXPECT_EQ(address.prefix_length, 24);
  EXPECT_TRUE(address.usable);
  EXPECT_FALSE(address.temporary);
}

TEST(RtnetlinkTest, AnIpv6AddressHasNoPeer) {
  const auto address =
      Get<Address>(Message(RTM_NEWADDR, AddressHeader(AF_INET6))
                       .Add(IFA_ADDRESS, "sixteen bytes...")
                       .Parse());
  EXPECT_EQ(address.bytes, "sixteen bytes...");
}

TEST(RtnetlinkTest, WhatAnAddressIsGoodFor) {
  const auto parse = [](int family, int scope, uint32_t flags) {
    return Get<Address>(Message(RTM_NEWADDR, AddressHeader(family, scope))
                            .Add(IFA_ADDRESS, "addr")
                            .Add(IFA_FLAGS, flags)
                            .Parse());
  };
  EXPECT_FALSE(parse(AF_INET6, RT_SCOPE_LINK, 0).usable);
  EXPECT_FALSE(parse(AF_INET, RT_SCOPE_HOST, 0).usable);
  EXPECT_TRUE(parse(AF_INET6, RT_SCOPE_SITE, 0).usable);
  EXPECT_FALSE(parse(AF_INET6, 0, IFA_F_TENTATIVE).usable);
  EXPECT_TRUE(parse(AF_INET6, 0, IFA_F_TENTATIVE | IFA_F_OPTIMISTIC).usable);
  EXPECT_FALSE(parse(AF_INET6, 0, IFA_F_DADFAILED).usable);
  EXPECT_TRUE(parse(AF_INET6, 0, IFA_F_TEMPORARY).temporary);
  EXPECT_FALSE(parse(AF_INET, 0, IFA_F_SECONDARY).temporary) << "the same bit";
}

TEST(RtnetlinkTest, TheFlagsOfAnOldKernelAreInTheHeader) {
  ifaddrmsg header = AddressHeader(AF_INET6);
  header.ifa_flags = IFA_F_TENTATIVE;
  EXPECT_FALSE(
      Get<Address>(
          Message(RTM_NEWADDR, header).Add(IFA_ADDRESS, "addr").Parse())
          .usable);
}

TEST(RtnetlinkTest, AddressesOfOtherKindsAreIgnored) {
  EXPECT_FALSE(Message(RTM_NEWADDR, AddressHeader(AF_PACKET))
                   .Add(IFA_ADDRESS, "addr")
                   .Parse()
                   .has_value());
  EXPECT_FALSE(
      Message(RTM_NEWADDR, AddressHeader(AF_INET)).Parse().has_value());
}

// --- Routes ------------------------------------------------------------------

rtmsg RouteHeader(int type = RTN_UNICAST, int table = RT_TABLE_MAIN) {
  rtmsg header = {};
  header.rtm_family = AF_INET;
  header.rtm_dst_len = 1;
  header.rtm_type = static_cast<uint8_t>(type);
  header.rtm_table = static_cast<uint8_t>(table);
  return header;
}

TEST(RtnetlinkTest, ARouteThatLeadsOut) {
  const auto change = Message(RTM_DELROUTE, RouteHeader())
                          .Add(RTA_TABLE, 1000)
                          .Add(RTA_DST, "dest")
                          .Add(RTA_GATEWAY, "gate")
                          .Add(RTA_OIF, 7)
                          .Add(RTA_PRIORITY, 600)
                          .Parse();
  const auto route = Get<Route>(change);
  EXPECT_TRUE(change->removed);
  EXPECT_EQ(route.link, 7);
  EXPECT_EQ(route.family, AF_INET);
  EXPECT_EQ(route.table, 1000u);
  EXPECT_EQ(route.priority, 600u);
  EXPECT_EQ(route.destination, "dest");
  EXPECT_EQ(route.prefix_length, 1);
  EXPECT_EQ(route.gateway, "gate");
}

TEST(RtnetlinkTest, ARouteWithLittleToSay) {
  const auto route = Get<Route>(Message(RTM_NEWROUTE, RouteHeader()).Parse());
  EXPECT_EQ(route.link, 0);
  EXPECT_EQ(route.table, static_cast<uint32_t>(RT_TABLE_MAIN));
  EXPECT_EQ(route.gateway, "");
}

TEST(RtnetlinkTest, RoutesThatLeadNowhereAreIgnored) {
  const auto says_something = [](const rtmsg& header) {
    return Message(RTM_NEWROUTE, header).Parse().has_value();
  };
  EXPECT_TRUE(says_something(RouteHeader()));
  EXPECT_FALSE(says_something(RouteHeader(RTN_UNREACHABLE)));
  EXPECT_FALSE(says_something(RouteHeader(RTN_MULTICAST)));
  EXPECT_FALSE(says_something(RouteHeader(RTN_UNICAST, RT_TABLE_LOCAL)));
  rtmsg cached = RouteHeader();
  cached.rtm_flags = RTM_F_CLONED;
  EXPECT_FALSE(says_something(cached));
  rtmsg mpls = RouteHeader();
  mpls.rtm_family = AF_MPLS;
  EXPECT_FALSE(says_something(mpls));
}

// --- Nonsense ----------------------------------------------------------------

TEST(RtnetlinkTest, OtherMessagesSayNothing) {
  EXPECT_FALSE(Message(RTM_NEWNEIGH, LinkHeader(0)).Parse().has_value());
}

TEST(RtnetlinkTest, AMessageMayBeCutOffAnywhere) {
  const Message link = Message(RTM_NEWLINK, LinkHeader(IFF_UP))
                           .Add(IFLA_MASTER, 5)
                           .AddNested(IFLA_LINKINFO, IFLA_INFO_KIND, "bridge");
  const Message address = Message(RTM_NEWADDR, AddressHeader(AF_INET))
                              .Add(IFA_ADDRESS, "addr")
                              .Add(IFA_FLAGS, 0);
  const Message route = Message(RTM_NEWROUTE, RouteHeader())
                            .Add(RTA_OIF, 7)
                            .Add(RTA_GATEWAY, "gate");
  for (const Message* message : {&link, &address, &route}) {
    for (size_t size = 0; size <= message->body_size(); ++size) {
      message->ParseFirst(size);
    }
  }
  EXPECT_FALSE(link.ParseFirst(sizeof(ifinfomsg) - 1).has_value());
  EXPECT_FALSE(address.ParseFirst(sizeof(ifaddrmsg) + 7).has_value())
      << "its address is cut off";
  EXPECT_FALSE(route.ParseFirst(sizeof(rtmsg) - 1).has_value());
}

TEST(RtnetlinkTest, AnAttributeThatLiesAboutItsLengthEndsThem) {
  const auto with_length = [](uint16_t length) {
    rtattr lie = {length, RTA_GATEWAY};
    return Message(RTM_NEWROUTE, RouteHeader())
        .Add(RTA_OIF, 7)
        .AddRaw(std::string(reinterpret_cast<char*>(&lie), sizeof(lie)))
        .AddRaw("gate");
  };
  EXPECT_EQ(Get<Route>(with_length(8).Parse()).gateway, "gate");
  for (const uint16_t length : {0, 3, 9, 65535}) {
    const auto route = Get<Route>(with_length(length).Parse());
    EXPECT_EQ(route.gateway, "") << length;
    EXPECT_EQ(route.link, 7) << length;
  }
}

TEST(RtnetlinkTest, AttributesOfLaterKernelsAreIgnored) {
  EXPECT_EQ(Get<Route>(Message(RTM_NEWROUTE, RouteHeader())
                           .Add(4000, "new")
                           .Add(RTA_OIF, 7)
                           .Parse())
                .link,
            7);
}

}  // namespace
}  // namespace parley::platform
