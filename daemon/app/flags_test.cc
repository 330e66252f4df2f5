#include "daemon/app/flags.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

absl::StatusOr<Flags> Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "parleyd");
  return ParseFlags(static_cast<int>(arguments.size()), arguments.data());
}

TEST(FlagsTest, NothingIsGivenByDefault) {
  const absl::StatusOr<Flags> flags = Parse({});
  ASSERT_TRUE(flags.ok()) << flags.status();
  EXPECT_EQ(flags->profile, "default");
  EXPECT_EQ(flags->config, std::nullopt);
  EXPECT_EQ(flags->ready_fd, std::nullopt);
  EXPECT_EQ(flags->print, std::nullopt);
  EXPECT_FALSE(flags->check_config);
}

TEST(FlagsTest, TakesEveryFlag) {
  const absl::StatusOr<Flags> flags =
      Parse({"--profile", "work", "--config=c.toml", "--socket", "s.sock",
             "--state-dir", "d", "--server-url", "http://h",
             "--server-url=http://i", "--token-file", "t", "--log-level",
             "debug", "--check-config", "--ready-fd", "7"});
  ASSERT_TRUE(flags.ok()) << flags.status();
  EXPECT_EQ(flags->profile, "work");
  EXPECT_EQ(flags->config, "c.toml");
  EXPECT_EQ(flags->socket, "s.sock");
  EXPECT_EQ(flags->state_dir, "d");
  EXPECT_THAT(flags->server_urls, ElementsAre("http://h", "http://i"));
  EXPECT_EQ(flags->token_file, "t");
  EXPECT_EQ(flags->log_level, "debug");
  EXPECT_EQ(flags->ready_fd, 7);
  EXPECT_TRUE(flags->check_config);
}

TEST(FlagsTest, RefusesWhatItDoesNotKnowInOneLine) {
  const std::vector<std::vector<const char*>> cases = {
      {"--sockte", "x"},      {"stray"},           {"--socket"},
      {"--socket="},          {"--ready-fd", "x"}, {"--ready-fd", "-1"},
      {"--profile", "../up"}, {"--profile", ""},   {"--profile", ".hidden"},
      {"--profile", "a/b"},   {"--profile=-x"},
  };
  for (const std::vector<const char*>& arguments : cases) {
    const absl::StatusOr<Flags> flags = Parse(arguments);
    ASSERT_FALSE(flags.ok()) << arguments[0];
    const std::string message(flags.status().message());
    EXPECT_THAT(message, HasSubstr("see parleyd --help"));
    EXPECT_THAT(message, Not(HasSubstr("\n")));
  }
  const std::string long_name(65, 'x');
  EXPECT_FALSE(Parse({"--profile", long_name.c_str()}).ok());
  EXPECT_TRUE(Parse({"--profile", long_name.c_str() + 1}).ok());
}

TEST(FlagsTest, NamesTheArgumentThatIsWrong) {
  EXPECT_THAT(std::string(Parse({"--sockte"}).status().message()),
              HasSubstr("--sockte"));
}

TEST(FlagsTest, PrintsHelpAndVersion) {
  const absl::StatusOr<Flags> help = Parse({"--help"});
  ASSERT_TRUE(help.ok());
  EXPECT_THAT(help->print.value(), HasSubstr("--state-dir"));
  const absl::StatusOr<Flags> version = Parse({"--version"});
  ASSERT_TRUE(version.ok());
  EXPECT_THAT(version->print.value(), HasSubstr("parleyd 0."));
}

}  // namespace
}  // namespace parley::app
