#include "daemon/platform/network_picture.h"

#include <string>

#include "gtest/gtest.h"

namespace parley::platform {
namespace {

constexpr int kLo = 1;
constexpr int kEth = 2;
constexpr int kWlan = 3;
constexpr int kBridge = 4;

Link MakeLink(int index, bool up = true) {
  Link link;
  link.index = index;
  link.loopback = index == kLo;
  link.up = up;
  return link;
}

Link MakeBridge() {
  Link link = MakeLink(kBridge);
  link.kind = Link::Kind::kBridge;
  return link;
}

Link MakePort(int index, Link::Kind kind = Link::Kind::kOther) {
  Link link = MakeLink(index);
  link.kind = kind;
  link.master = kBridge;
  return link;
}

Address MakeAddress(int link, const std::string& bytes) {
  Address address;
  address.link = link;
  address.bytes = bytes;
  address.prefix_length = 24;
  address.usable = true;
  return address;
}

Route DefaultRoute(int link, const std::string& gateway = "gate") {
  Route route;
  route.link = link;
  route.family = 2;
  route.table = 254;
  route.gateway = gateway;
  return route;
}

class NetworkPictureTest : public ::testing::Test {
 protected:
  template <typename Fact>
  void Add(const Fact& fact) {
    picture_.Apply({/*removed=*/false, fact});
  }
  template <typename Fact>
  void Remove(const Fact& fact) {
    picture_.Apply({/*removed=*/true, fact});
  }
  // Whether the ways out differ from those of the last call.
  bool WaysChanged() {
    const std::string before = ways_;
    ways_ = picture_.Ways();
    return ways_ != before;
  }

  NetworkPicture picture_;
  std::string ways_;
};

TEST_F(NetworkPictureTest, NothingIsOffline) {
  EXPECT_FALSE(picture_.online());
  EXPECT_EQ(picture_.Ways(), "");
}

TEST_F(NetworkPictureTest, LoopbackIsOffline) {
  Add(MakeLink(kLo));
  Add(MakeAddress(kLo, "abcd"));
  Add(DefaultRoute(kLo));
  EXPECT_FALSE(picture_.online());
  EXPECT_FALSE(WaysChanged());
}

TEST_F(NetworkPictureTest, ALinkThatIsUpWithAnAddressIsOnline) {
  Add(MakeLink(kEth));
  EXPECT_FALSE(picture_.online());
  Add(MakeAddress(kEth, "abcd"));
  EXPECT_TRUE(picture_.online());
  EXPECT_TRUE(WaysChanged());

  Add(MakeLink(kEth, /*up=*/false));
  EXPECT_FALSE(picture_.online());
  EXPECT_TRUE(WaysChanged());
  Add(MakeLink(kEth));
  EXPECT_TRUE(picture_.online());

  Remove(MakeAddress(kEth, "abcd"));
  EXPECT_FALSE(picture_.online());
}

TEST_F(NetworkPictureTest, ABridgeOfContainersDoesNotLeadOut) {
  Add(MakeBridge());
  Add(MakeAddress(kBridge, "abcd"));
  EXPECT_FALSE(picture_.online()) << "it has no port";
  Add(MakePort(kEth, Link::Kind::kInner));
  EXPECT_FALSE(picture_.online());
  EXPECT_FALSE(WaysChanged());
}

TEST_F(NetworkPictureTest, ABridgeLeadsWhereItsPortsLead) {
  Add(MakeBridge());
  Add(MakeAddress(kBridge, "abcd"));
  Add(MakePort(kEth));
  EXPECT_TRUE(picture_.online());
  EXPECT_TRUE(WaysChanged());

  Link no_cable = MakePort(kEth);
  no_cable.up = false;
  Add(no_cable);
  EXPECT_FALSE(picture_.online());
  Add(MakeLink(kEth));
  EXPECT_FALSE(picture_.online()) << "it is a port no more";
  Add(MakePort(kEth));
  EXPECT_TRUE(picture_.online());
  Remove(MakeLink(kEth));
  EXPECT_FALSE(picture_.online());
}

TEST_F(NetworkPictureTest, ABridgeLeadsWhereItsRoutesLead) {
  Add(MakeBridge());
  Add(MakeAddress(kBridge, "abcd"));
  Add(MakePort(kEth, Link::Kind::kInner));
  Add(DefaultRoute(kWlan));
  EXPECT_FALSE(picture_.online());
  Add(DefaultRoute(kBridge));
  EXPECT_TRUE(picture_.online());
  Remove(DefaultRoute(kBridge));
  EXPECT_FALSE(picture_.online());
}

TEST_F(NetworkPictureTest, AContainersOwnEndOfItsCableLeadsOut) {
  Link cable = MakeLink(kEth);
  cable.kind = Link::Kind::kInner;
  Add(cable);
  Add(MakeAddress(kEth, "abcd"));
  EXPECT_TRUE(picture_.online());
}

TEST_F(NetworkPictureTest, TheOrderInWhichFactsComeDoesNotMatter) {
  Add(MakeAddress(kEth, "abcd"));
  EXPECT_FALSE(picture_.online()) << "its link is not known yet";
  Add(MakeLink(kEth));
  EXPECT_TRUE(picture_.online());
}

TEST_F(NetworkPictureTest, AnUnusableAddressIsNone) {
  Add(MakeLink(kEth));
  Address address = MakeAddress(kEth, "abcd");
  address.usable = false;
  Add(address);
  EXPECT_FALSE(picture_.online());
  EXPECT_FALSE(WaysChanged());
  // It has been checked for duplicates.
  address.usable = true;
  Add(address);
  EXPECT_TRUE(picture_.online());
  EXPECT_TRUE(WaysChanged());
}

TEST_F(NetworkPictureTest, TemporaryAddressesComeAndGo) {
  Add(MakeLink(kEth));
  Add(MakeAddress(kEth, "abcd"));
  EXPECT_TRUE(WaysChanged());
  Address address = MakeAddress(kEth, "temp");
  address.temporary = true;
  Add(address);
  EXPECT_FALSE(WaysChanged());
  Remove(address);
  EXPECT_FALSE(WaysChanged());
}

TEST_F(NetworkPictureTest, AnotherNetworkOnTheSameLinkIsAnotherWay) {
  Add(MakeLink(kWlan));
  Add(MakeAddress(kWlan, "home"));
  Add(DefaultRoute(kWlan));
  EXPECT_TRUE(WaysChanged());
  Remove(MakeAddress(kWlan, "home"));
  Add(MakeAddress(kWlan, "cafe"));
  EXPECT_TRUE(WaysChanged());
  Remove(DefaultRoute(kWlan));
  EXPECT_TRUE(WaysChanged());
  Add(DefaultRoute(kWlan, "door"));
  EXPECT_TRUE(WaysChanged());
  EXPECT_TRUE(picture_.online());
}

TEST_F(NetworkPictureTest, OnlyWideRoutesLeadOut) {
  Add(MakeLink(kEth));
  Route route = DefaultRoute(kEth);
  route.prefix_length = 24;
  Add(route);
  EXPECT_FALSE(WaysChanged());
  route.prefix_length = 1;  // half of everything, as VPNs have it
  Add(route);
  EXPECT_TRUE(WaysChanged());
}

TEST_F(NetworkPictureTest, ARouteOverAnUnnamedLinkCounts) {
  Add(DefaultRoute(/*link=*/0));
  EXPECT_TRUE(WaysChanged());
}

TEST_F(NetworkPictureTest, ALinkTakesItsAddressesAndRoutesAlong) {
  Add(MakeLink(kEth));
  Add(MakeAddress(kEth, "abcd"));
  Add(DefaultRoute(kEth));
  Remove(MakeLink(kEth));
  EXPECT_FALSE(WaysChanged());
  // A later link with the same number has nothing of the old one.
  Add(MakeLink(kEth));
  EXPECT_FALSE(picture_.online());
  EXPECT_FALSE(WaysChanged());
}

TEST_F(NetworkPictureTest, RepeatsAndUnknownRemovalsChangeNothing) {
  Add(MakeLink(kEth));
  Add(MakeAddress(kEth, "abcd"));
  Add(DefaultRoute(kEth));
  EXPECT_TRUE(WaysChanged());
  Add(MakeLink(kEth));
  Add(MakeAddress(kEth, "abcd"));
  Add(DefaultRoute(kEth));
  Remove(MakeLink(kWlan));
  Remove(MakeAddress(kWlan, "abcd"));
  Remove(DefaultRoute(kWlan));
  EXPECT_FALSE(WaysChanged());
}

TEST_F(NetworkPictureTest, IsBounded) {
  for (size_t i = 0; i < NetworkPicture::kMaxLinks; ++i) {
    Add(MakeLink(static_cast<int>(i) + 2));
  }
  for (size_t i = 0; i < NetworkPicture::kMaxAddresses; ++i) {
    Add(MakeAddress(kEth, std::to_string(i)));
  }
  for (size_t i = 0; i < NetworkPicture::kMaxRoutes; ++i) {
    Add(DefaultRoute(kEth, std::to_string(i)));
  }
  EXPECT_TRUE(WaysChanged());
  // What is known may still change.
  Add(MakeLink(kEth));
  Add(MakeAddress(kEth, "0"));
  Add(DefaultRoute(kEth, "0"));
  EXPECT_FALSE(picture_.is_truncated());

  NetworkPicture full = picture_;
  full.Apply({false, MakeLink(NetworkPicture::kMaxLinks + 2)});
  EXPECT_TRUE(full.is_truncated());
  full = picture_;
  full.Apply({false, MakeAddress(kEth, "one more")});
  EXPECT_TRUE(full.is_truncated());
  EXPECT_EQ(full.Ways(), ways_);
  full = picture_;
  full.Apply({false, DefaultRoute(kEth, "one more")});
  EXPECT_TRUE(full.is_truncated());
  EXPECT_EQ(full.Ways(), ways_);
}

}  // namespace
}  // namespace parley::platform
