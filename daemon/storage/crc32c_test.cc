#include "daemon/storage/crc32c.h"

#include <string>

#include "gtest/gtest.h"

namespace parley::storage {
namespace {

// RFC 3720, B.4.
TEST(Crc32cTest, AgreesWithTheStandard) {
  EXPECT_EQ(Crc32c(""), 0u);
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  std::string ascending;
  for (int i = 0; i < 32; ++i) ascending.push_back(static_cast<char>(i));
  EXPECT_EQ(Crc32c(ascending), 0x46dd794eu);
}

TEST(Crc32cTest, ContinuesAtAnyPlace) {
  const std::string data = "a checksum of two parts is that of the whole";
  for (size_t i = 0; i <= data.size(); ++i) {
    EXPECT_EQ(Crc32c(data.substr(i), Crc32c(data.substr(0, i))), Crc32c(data));
  }
}

}  // namespace
}  // namespace parley::storage
