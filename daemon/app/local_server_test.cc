#include "daemon/app/local_server.h"

#include "gtest/gtest.h"

namespace parley::app {
namespace {

TEST(LocalServerTest, ThisDeviceHasManyNames) {
  for (const char* url : {"http://127.0.0.1:3000", "http://127.1.2.3",
                          "ws://[::1]:3000/chat", "https://localhost",
                          "http://LocalHost:3000", "http://chat.localhost"}) {
    EXPECT_TRUE(IsLocalServer(url)) << url;
  }
}

TEST(LocalServerTest, OthersAreElsewhere) {
  for (const char* url :
       {"http://128.0.0.1", "http://10.0.0.1", "https://chat.example.com",
        "http://localhost.example.com", "http://notlocalhost", "http://[::2]",
        "http://[2001:db8::1]", "localhost", "ftp://localhost", ""}) {
    EXPECT_FALSE(IsLocalServer(url)) << url;
  }
}

}  // namespace
}  // namespace parley::app
