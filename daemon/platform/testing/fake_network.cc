#include "daemon/platform/testing/fake_network.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>
#include <utility>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace parley::platform::testing {
namespace {

// A message of rtnetlink, as it grows.
class Request {
 public:
  // Of a link: 0 for a new one.
  Request(int type, int flags, unsigned int link) {
    message_.link.ifi_index = static_cast<int>(link);
    message_.header.nlmsg_type = static_cast<uint16_t>(type);
    message_.header.nlmsg_flags = static_cast<uint16_t>(flags);
    message_.header.nlmsg_len = NLMSG_LENGTH(sizeof(ifinfomsg));
  }

  rtattr* Add(int type, absl::string_view value) {
    auto* const attribute = reinterpret_cast<rtattr*>(
        reinterpret_cast<char*>(&message_) + message_.header.nlmsg_len);
    attribute->rta_type = static_cast<uint16_t>(type);
    attribute->rta_len = static_cast<uint16_t>(RTA_LENGTH(value.size()));
    std::memcpy(RTA_DATA(attribute), value.data(), value.size());
    message_.header.nlmsg_len += RTA_SPACE(value.size());
    return attribute;
  }
  // What was added since belongs into this attribute.
  void End(rtattr* outer) {
    outer->rta_len = static_cast<uint16_t>(reinterpret_cast<char*>(&message_) +
                                           message_.header.nlmsg_len -
                                           reinterpret_cast<char*>(outer));
  }

  // Whether the kernel did it.
  bool Send() {
    const runtime::UniqueFd socket(
        ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    message_.header.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
    if (::send(socket.get(), &message_, message_.header.nlmsg_len, 0) < 0) {
      return false;
    }
    struct {
      nlmsghdr header;
      nlmsgerr body;
      char more[1024];
    } answer = {};
    return ::recv(socket.get(), &answer, sizeof(answer), 0) > 0 &&
           answer.header.nlmsg_type == NLMSG_ERROR && answer.body.error == 0;
  }

 private:
  struct {
    nlmsghdr header;
    ifinfomsg link;
    char attributes[256];
  } message_ = {};
};

bool AddLink(const char* name, const char* kind) {
  Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
  request.Add(IFLA_IFNAME, name);
  rtattr* const info = request.Add(IFLA_LINKINFO, "");
  request.Add(IFLA_INFO_KIND, kind);
  request.End(info);
  return request.Send();
}

ifreq LinkRequest(const char* link) {
  ifreq request = {};
  std::strncpy(request.ifr_name, link, sizeof(request.ifr_name) - 1);
  return request;
}

sockaddr Ipv4(const std::string& text) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  EXPECT_EQ(inet_pton(AF_INET, text.c_str(), &address.sin_addr), 1) << text;
  sockaddr generic;
  static_assert(sizeof(generic) == sizeof(address));
  std::memcpy(&generic, &address, sizeof(generic));
  return generic;
}

}  // namespace

std::optional<FakeNetwork> FakeNetwork::Create() {
  // Whoever may not have a network may have one as a user of another name.
  if (::unshare(CLONE_NEWNET) != 0 &&
      ::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
    return std::nullopt;
  }
  runtime::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.valid() || !AddLink(kNear, "veth")) return std::nullopt;
  return FakeNetwork(std::move(socket));
}

void FakeNetwork::Switch(const char* link, bool on) {
  ifreq request = LinkRequest(link);
  ASSERT_EQ(::ioctl(socket_.get(), SIOCGIFFLAGS, &request), 0) << link;
  request.ifr_flags = static_cast<short>(on ? request.ifr_flags | IFF_UP
                                            : request.ifr_flags & ~IFF_UP);
  ASSERT_EQ(::ioctl(socket_.get(), SIOCSIFFLAGS, &request), 0) << link;
}

void FakeNetwork::AddBridge() { ASSERT_TRUE(AddLink(kBridge, "bridge")); }

void FakeNetwork::SetMaster(const char* port, const char* bridge) {
  const uint32_t master = ::if_nametoindex(bridge);
  Request request(RTM_NEWLINK, 0, ::if_nametoindex(port));
  request.Add(IFLA_MASTER,
              {reinterpret_cast<const char*>(&master), sizeof(master)});
  ASSERT_TRUE(request.Send()) << port;
}

void FakeNetwork::SetAddress(const std::string& address, const char* link) {
  ifreq request = LinkRequest(link);
  request.ifr_addr = Ipv4(address);
  ASSERT_EQ(::ioctl(socket_.get(), SIOCSIFADDR, &request), 0) << address;
}

void FakeNetwork::SetMtu(int bytes) {
  ifreq request = LinkRequest(kNear);
  request.ifr_mtu = bytes;
  ASSERT_EQ(::ioctl(socket_.get(), SIOCSIFMTU, &request), 0);
}

void FakeNetwork::AddDefaultRoute(const std::string& gateway) {
  ChangeDefaultRoute(SIOCADDRT, gateway);
}

void FakeNetwork::RemoveDefaultRoute(const std::string& gateway) {
  ChangeDefaultRoute(SIOCDELRT, gateway);
}

void FakeNetwork::ChangeDefaultRoute(unsigned long request,
                                     const std::string& gateway) {
  rtentry route = {};
  route.rt_dst = Ipv4("0.0.0.0");
  route.rt_genmask = Ipv4("0.0.0.0");
  route.rt_gateway = Ipv4(gateway);
  route.rt_flags = RTF_UP | RTF_GATEWAY;
  ASSERT_EQ(::ioctl(socket_.get(), request, &route), 0) << gateway;
}

}  // namespace parley::platform::testing
