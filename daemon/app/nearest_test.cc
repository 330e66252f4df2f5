#include "daemon/app/nearest.h"

#include "gtest/gtest.h"

namespace parley::app {
namespace {

TEST(NearestTest, FindsWhatWasMeant) {
  const std::vector<std::string> keys = {
      "server_url", "token_command",      "token_file",
      "user",       "outbox.max_entries", "outbox.max_bytes"};
  EXPECT_EQ(Nearest("server_url", keys), "server_url");
  EXPECT_EQ(Nearest("srver_url", keys), "server_url");
  EXPECT_EQ(Nearest("serverurl", keys), "server_url");
  EXPECT_EQ(Nearest("usr", keys), "user");
  EXPECT_EQ(Nearest("token", keys), "token_file");
  EXPECT_EQ(Nearest("outbx.max_entries", keys), "outbox.max_entries");
  EXPECT_EQ(Nearest("outbox.max_byte", keys), "outbox.max_bytes");
  EXPECT_EQ(Nearest("max_entries", keys), "outbox.max_entries");
  EXPECT_EQ(Nearest("queue.max_bytes", keys), "outbox.max_bytes");
  EXPECT_EQ(Nearest("", keys), "user");
}

}  // namespace
}  // namespace parley::app
