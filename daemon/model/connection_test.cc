#include "daemon/model/connection.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::model {
namespace {

TEST(ConnectionStateNameTest, NamesEveryState) {
  std::vector<std::string> names;
  for (int state = static_cast<int>(ConnectionState::kOffline);
       state <= static_cast<int>(ConnectionState::kStopped); ++state) {
    names.emplace_back(
        ConnectionStateName(static_cast<ConnectionState>(state)));
  }
  EXPECT_THAT(names,
              testing::ElementsAre("OFFLINE", "CONNECTING", "AUTHENTICATING",
                                   "CATCHING_UP", "READY", "WAITING",
                                   "CREDENTIALS_REQUIRED", "STOPPED"));
}

TEST(ConnectionStateNameTest, BearsAnUnknownState) {
  EXPECT_EQ(ConnectionStateName(static_cast<ConnectionState>(99)), "UNKNOWN");
}

}  // namespace
}  // namespace parley::model
