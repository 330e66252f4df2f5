#include "daemon/app/paths.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::app {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Environment Session() {
  Environment environment;
  environment.home = "/home/alice";
  environment.variables = {{"XDG_RUNTIME_DIR", "/run/user/1000"}};
  return environment;
}

Flags Profile(const std::string& profile) {
  Flags flags;
  flags.profile = profile;
  return flags;
}

TEST(PathsTest, FollowsTheXdgDefaults) {
  const absl::StatusOr<Paths> paths = FindPaths(Profile("work"), Session());
  ASSERT_TRUE(paths.ok()) << paths.status();
  EXPECT_EQ(paths->config.value, "/home/alice/.config/parley/work.toml");
  EXPECT_EQ(paths->config.origin, "default");
  EXPECT_FALSE(paths->config_is_explicit);
  EXPECT_EQ(paths->state_dir.value, "/home/alice/.local/state/parley/work");
  EXPECT_EQ(paths->socket.value, "/run/user/1000/parley/work.sock");
  EXPECT_EQ(paths->socket.origin, "$XDG_RUNTIME_DIR");
}

TEST(PathsTest, TheXdgVariablesWinOverTheDefaults) {
  Environment environment = Session();
  environment.variables["XDG_CONFIG_HOME"] = "/c";
  environment.variables["XDG_STATE_HOME"] = "/s";
  const absl::StatusOr<Paths> paths = FindPaths(Profile("p"), environment);
  ASSERT_TRUE(paths.ok()) << paths.status();
  EXPECT_EQ(paths->config.value, "/c/parley/p.toml");
  EXPECT_EQ(paths->config.origin, "$XDG_CONFIG_HOME");
  EXPECT_EQ(paths->state_dir.value, "/s/parley/p");
}

TEST(PathsTest, ARelativeXdgVariableIsIgnored) {
  Environment environment = Session();
  environment.variables["XDG_STATE_HOME"] = "state";
  const absl::StatusOr<Paths> paths = FindPaths(Profile("p"), environment);
  ASSERT_TRUE(paths.ok()) << paths.status();
  EXPECT_EQ(paths->state_dir.value, "/home/alice/.local/state/parley/p");
}

TEST(PathsTest, TheServiceManagersDirectoriesWin) {
  Environment environment = Session();
  environment.variables["CONFIGURATION_DIRECTORY"] = "/etc/parley";
  environment.variables["STATE_DIRECTORY"] = "/var/lib/parley/alice:/other";
  environment.variables["RUNTIME_DIRECTORY"] = "/run/parley/alice";
  const absl::StatusOr<Paths> paths =
      FindPaths(Profile("default"), environment);
  ASSERT_TRUE(paths.ok()) << paths.status();
  EXPECT_EQ(paths->config.value, "/etc/parley/default.toml");
  EXPECT_EQ(paths->state_dir.value, "/var/lib/parley/alice");
  EXPECT_EQ(paths->state_dir.origin, "$STATE_DIRECTORY");
  EXPECT_EQ(paths->socket.value, "/run/parley/alice/default.sock");
}

TEST(PathsTest, FlagsWinOverEverything) {
  Environment environment = Session();
  environment.variables["STATE_DIRECTORY"] = "/var/lib/parley/alice";
  Flags flags;
  flags.config = "c.toml";
  flags.state_dir = "d";
  flags.socket = "s.sock";
  const absl::StatusOr<Paths> paths = FindPaths(flags, environment);
  ASSERT_TRUE(paths.ok()) << paths.status();
  EXPECT_EQ(paths->config.value, "c.toml");
  EXPECT_TRUE(paths->config_is_explicit);
  EXPECT_EQ(paths->state_dir.value, "d");
  EXPECT_EQ(paths->state_dir.origin, "--state-dir");
  EXPECT_EQ(paths->socket.value, "s.sock");
}

TEST(PathsTest, SaysWhatIsMissingAndWhatToDo) {
  Environment environment = Session();
  environment.variables["XDG_RUNTIME_DIR"] = "";
  absl::StatusOr<Paths> paths = FindPaths(Profile("p"), environment);
  ASSERT_FALSE(paths.ok());
  EXPECT_THAT(std::string(paths.status().message()),
              AllOf(HasSubstr("XDG_RUNTIME_DIR"), HasSubstr("--socket")));

  // With --socket nothing of the session is needed.
  Flags flags;
  flags.socket = "/tmp/p.sock";
  EXPECT_TRUE(FindPaths(flags, environment).ok());

  environment.home.clear();
  EXPECT_FALSE(FindPaths(flags, environment).ok());
  flags.config = "/c.toml";
  paths = FindPaths(flags, environment);
  ASSERT_FALSE(paths.ok());
  EXPECT_THAT(std::string(paths.status().message()), HasSubstr("--state-dir"));
  flags.state_dir = "/s";
  EXPECT_TRUE(FindPaths(flags, environment).ok());
}

}  // namespace
}  // namespace parley::app
