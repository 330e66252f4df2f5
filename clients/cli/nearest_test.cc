#include "clients/cli/nearest.h"

#include <gtest/gtest.h>

namespace parley::cli {
namespace {

const std::vector<std::string> kVerbs = {"join", "leave", "list", "show"};

TEST(NearestTest, FindsWhatWasMeant) {
  EXPECT_EQ(Nearest("jion", kVerbs), "join");
  EXPECT_EQ(Nearest("leav", kVerbs), "leave");
  EXPECT_EQ(Nearest("lists", kVerbs), "list");
}

TEST(NearestTest, GuessesNothingWild) {
  EXPECT_EQ(Nearest("status", kVerbs), std::nullopt);
  EXPECT_EQ(Nearest("", kVerbs), std::nullopt);
  EXPECT_EQ(Nearest("join", {}), std::nullopt);
}

}  // namespace
}  // namespace parley::cli
