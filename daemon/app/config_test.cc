#include "daemon/app/config.h"

#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "daemon/transport/proxy.h"
#include "daemon/transport/url.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::app {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ConfigTest : public ::testing::Test {
 protected:
  ConfigTest() {
    environment_.home = "/home/alice";
    environment_.variables = {{"XDG_RUNTIME_DIR", "/run/user/1000"}};
  }

  absl::StatusOr<Config> Load(const std::string& text) {
    std::ofstream(path_) << text;
    flags_.config = path_;
    return LoadConfig(flags_, environment_);
  }

  // What is wrong with the file, without its path.
  std::string ErrorOf(const std::string& text) {
    const absl::StatusOr<Config> config = Load(text);
    if (config.ok()) return "";
    const std::string message(config.status().message());
    EXPECT_THAT(message, AllOf(StartsWith(path_ + ":"), Not(HasSubstr("\n"))));
    return message.substr(std::min(path_.size() + 1, message.size()));
  }

  const std::string path_ = ::testing::TempDir() + "/config.toml";
  Flags flags_;
  Environment environment_;
};

TEST_F(ConfigTest, HasDefaults) {
  const absl::StatusOr<Config> config = Load("");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_THAT(config->server_urls.value, ElementsAre());
  EXPECT_THAT(config->token_command.value, ElementsAre());
  EXPECT_EQ(config->token_file.value, "");
  EXPECT_EQ(config->log_level.value, base::logging::Level::kInfo);
  EXPECT_EQ(config->log_level.origin, "default");
  EXPECT_EQ(config->outbox_max_entries.value, 10000u);
  EXPECT_EQ(config->outbox_max_bytes.value, 64u * 1024 * 1024);
  EXPECT_EQ(config->outbox_max_answered_failures.value, 5u);
  EXPECT_EQ(config->outbox_ambiguous_sends.value, AmbiguousSends::kResend);
  EXPECT_EQ(config->ca_file.value, "");
  const transport::ProxyRules rules = MakeProxyRules(*config);
  EXPECT_EQ(rules.ProxyFor(*transport::ParseServerUrl("http://h")), nullptr);
  EXPECT_EQ(rules.ProxyFor(*transport::ParseServerUrl("https://h")), nullptr);
}

TEST_F(ConfigTest, TakesEveryKey) {
  const absl::StatusOr<Config> config = Load(R"(
server_url = "ws://Chat.Example:80/"
token_file = "/secret/token"
user = "alice"
log_level = "debug"
[server]
ca_file = "ca.pem"
proxy = "http://alice:secret@proxy.example:3128"
no_proxy = ["intern.example", "10.0.0.0/8"]
[outbox]
max_entries = 1000000
max_bytes = 1048576
max_answered_failures = 1
ambiguous_sends = "hold"
)");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_THAT(config->server_urls.value, ElementsAre("http://chat.example"));
  EXPECT_EQ(config->server_urls.origin, path_ + ":2");
  EXPECT_EQ(config->token_file.value, "/secret/token");
  EXPECT_EQ(config->user.value, "alice");
  EXPECT_EQ(config->log_level.value, base::logging::Level::kDebug);
  EXPECT_EQ(config->outbox_max_entries.value, 1000000u);
  EXPECT_EQ(config->outbox_max_entries.origin, path_ + ":11");
  EXPECT_EQ(config->ca_file.value, ::testing::TempDir() + "/ca.pem");
  EXPECT_EQ(config->http_proxy.value->Authority(), "proxy.example:3128");
  EXPECT_EQ(config->https_proxy.value->credentials.Reveal(), "alice:secret");
  EXPECT_THAT(config->no_proxy.value,
              ElementsAre("intern.example", "10.0.0.0/8"));
  EXPECT_EQ(config->outbox_max_bytes.value, 1048576u);
  EXPECT_EQ(config->outbox_max_answered_failures.value, 1u);
  EXPECT_EQ(config->outbox_ambiguous_sends.value, AmbiguousSends::kHold);
}

TEST_F(ConfigTest, FlagsWinOverTheFile) {
  flags_.server_urls = {"http://other:1/"};
  flags_.token_file = "other-token";
  flags_.log_level = "error";
  const absl::StatusOr<Config> config = Load(
      "server_url = \"http://h\"\ntoken_file = \"t\"\nlog_level = \"debug\"");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_THAT(config->server_urls.value, ElementsAre("http://other:1"));
  EXPECT_EQ(config->server_urls.origin, "--server-url");
  EXPECT_EQ(config->token_file.value, "other-token");
  EXPECT_EQ(config->log_level.value, base::logging::Level::kError);
  EXPECT_EQ(config->log_level.origin, "--log-level");
}

TEST_F(ConfigTest, AWrongFlagIsNamed) {
  flags_.server_urls = {"chat.example"};
  EXPECT_THAT(std::string(Load("").status().message()),
              AllOf(StartsWith("--server-url: "), HasSubstr("http://")));
  flags_.server_urls.clear();
  flags_.log_level = "loud";
  EXPECT_EQ(Load("").status().message(),
            "--log-level must be debug, info, warning or error, not \"loud\"");
  flags_.log_level.reset();
  flags_.token_file = "";
  EXPECT_EQ(Load("").status().message(), "--token-file must not be empty");
}

TEST_F(ConfigTest, NamesTheNearestKeyOfAnUnknownOne) {
  EXPECT_EQ(ErrorOf("\nsrver_url = \"http://h\"\n"),
            "2: unknown key \"srver_url\"; the nearest known key is "
            "\"server_url\"");
  EXPECT_EQ(ErrorOf("[outbox]\nmax_entires = 5\n"),
            "2: unknown key \"outbox.max_entires\"; the nearest known key is "
            "\"outbox.max_entries\"");
  EXPECT_EQ(ErrorOf("user = \"a\"\nmax_bytes = 5\n"),
            "2: unknown key \"max_bytes\"; the nearest known key is "
            "\"outbox.max_bytes\"");
  EXPECT_THAT(ErrorOf("[outbx]\n"), HasSubstr("1: unknown key \"outbx\""));
  EXPECT_THAT(ErrorOf("token = \"secret\"\n"), HasSubstr("\"token_file\""));
  EXPECT_THAT(ErrorOf("token = \"secret\"\n"), Not(HasSubstr("secret\"")));
  EXPECT_EQ(ErrorOf("[outbox]\n[server]\n"), "");
}

TEST_F(ConfigTest, ReportsTheFirstLineThatIsWrong) {
  EXPECT_THAT(ErrorOf("zzz = 1\naaa = 2\n"), StartsWith("1: "));
  EXPECT_THAT(ErrorOf("user = \"a\"\nlog_level = 1\naaa = 2\n"),
              StartsWith("2: log_level must be "));
}

TEST_F(ConfigTest, SaysWhichTypesAndValuesAreAllowed) {
  constexpr struct {
    const char* text;
    const char* problem;
  } kCases[] = {
      {"server_url = 1",
       "server_url must be a URL in quotes, or a list of them, not a whole "
       "number"},
      {"server_url = [\"http://h\", 1]",
       "server_url must be a URL in quotes, or a list of them"},
      {"server_url = []",
       "server_url is wrong: 1 to 8 servers can be given, not 0"},
      {"server_url = [\"http://h\", \"ws://H:80/\"]",
       "server_url is wrong: http://h is there twice"},
      {"token_command = \"pass show parley\"",
       "token_command must be a list such as [\"program\", \"argument\"], "
       "since "
       "no shell takes it apart, not text"},
      {"token_command = []", "token_command must be a list such as"},
      {"token_command = [\"\", \"x\"]", "token_command must be a list such as"},
      {"token_command = [\"p\", 1]", "token_command must be a list such as"},
      {"token_command = [\"p\", \"a\\u0000b\"]", "must not contain \\u0000"},
      {"server_url = \"h\"",
       "server_url is wrong: \"h\" is no server URL: it "
       "must start with https://"},
      {"token_file = [\"a\"]",
       "token_file must be a file name in quotes, not "
       "a list"},
      {"token_file = \"\"", "token_file must not be empty"},
      {"user = \"\"", "user must have 1 to 255 bytes"},
      {"user = 1979-05-27",
       "user must be a user id in quotes, not a date or "
       "time"},
      {"log_level = true",
       "log_level must be \"debug\", \"info\", \"warning\" "
       "or \"error\", not true or false"},
      {"log_level = \"loud\"",
       "log_level must be debug, info, warning or "
       "error, not \"loud\""},
      {"server.ca_file = \"\"", "server.ca_file must not be empty"},
      {"server.proxy = 3128", "must be a URL in quotes, not a whole number"},
      {"server.proxy = \"socks5://h:1\"",
       "server.proxy is no proxy URL such as http://proxy.example:3128: SOCKS "
       "proxies are not supported, only HTTP proxies"},
      {"server.no_proxy = \"h\"",
       "server.no_proxy must be a list of hosts in quotes, not text"},
      {"server.no_proxy = [1]", "must be a list of hosts in quotes"},
      {"server.no_proxy = [\"h\", \"a b\"]",
       "has \"a b\", but each entry must be a host, a domain, "},
      {"outbox = 1", "unknown key \"outbox\""},
      {"outbox.max_entries = \"many\"",
       "outbox.max_entries must be a whole "
       "number from 1 to 1000000, not text"},
      {"outbox.max_entries = 1.5", "not a fraction"},
      {"outbox.max_entries = 0", "from 1 to 1000000, not 0"},
      {"outbox.max_entries = 1000001", "from 1 to 1000000, not 1000001"},
      {"outbox.max_bytes = 1048575", "from 1048576 to 68719476736"},
      {"outbox.max_bytes = 68719476737", "from 1048576 to 68719476736"},
      {"outbox.max_answered_failures = 0", "from 1 to 100, not 0"},
      {"outbox.max_answered_failures = 101", "from 1 to 100, not 101"},
      {"outbox.ambiguous_sends = \"drop\"",
       "must be \"resend\" or \"hold\", "
       "not \"drop\""},
      {"outbox.ambiguous_sends = 1",
       "must be \"resend\" or \"hold\", not a "
       "whole number"},
      {"server_url = {}", "or a list of them, not a table"},
  };
  for (const auto& test : kCases) {
    EXPECT_THAT(ErrorOf(test.text),
                AllOf(StartsWith("1: "), HasSubstr(test.problem)))
        << test.text;
  }
}

TEST_F(ConfigTest, NamesTheLineThatIsNoToml) {
  EXPECT_THAT(ErrorOf("user = \"a\"\nserver_url = http://h\n"),
              StartsWith("2: no valid TOML: "));
  EXPECT_THAT(ErrorOf("user = \"a\"\nuser = \"b\"\n"),
              StartsWith("2: no valid TOML: "));
  EXPECT_THAT(ErrorOf("user = \"\xff\"\n"), HasSubstr("no valid TOML"));
}

TEST_F(ConfigTest, AMissingFileIsAnEmptyOneUnlessItIsNamed) {
  flags_.config = "/nonexistent/parley.toml";
  absl::StatusOr<Config> config = LoadConfig(flags_, environment_);
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(config.status().message(),
            "cannot read the configuration: /nonexistent/parley.toml: No such "
            "file or directory");
  flags_.config.reset();
  environment_.home = "/nonexistent";
  config = LoadConfig(flags_, environment_);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_FALSE(config->file_exists);
}

TEST_F(ConfigTest, LimitsTheFile) {
  EXPECT_TRUE(Load(std::string(1024 * 1024, '\n')).ok());
  EXPECT_THAT(
      std::string(Load(std::string(1024 * 1024 + 1, '\n')).status().message()),
      HasSubstr("more than the 1048576 bytes"));
}

TEST_F(ConfigTest, FindsTheTokenFile) {
  EXPECT_EQ(Load("token_file = \"~/token\"")->token_file.value,
            "/home/alice/token");
  // Beside the file that names it.
  EXPECT_EQ(Load("token_file = \"token\"")->token_file.value,
            ::testing::TempDir() + "/token");
  environment_.variables["CREDENTIALS_DIRECTORY"] = "/run/credentials/p";
  EXPECT_EQ(Load("")->token_file.value, "/run/credentials/p/token");
  EXPECT_EQ(Load("")->token_file.origin, "$CREDENTIALS_DIRECTORY");
  EXPECT_EQ(Load("token_file = \"/t\"")->token_file.value, "/t");
  environment_.home.clear();
  flags_.state_dir = "/state";
  EXPECT_THAT(ErrorOf("token_file = \"~/token\""),
              HasSubstr("the home directory is unknown"));
}

TEST_F(ConfigTest, FindsTheProgramThatPrintsTheToken) {
  EXPECT_THAT(
      Load("token_command = [\"pass\", \"parley/alice\"]")->token_command.value,
      ElementsAre("pass", "parley/alice"));
  EXPECT_THAT(Load("token_command = [\"~/bin/t\"]")->token_command.value,
              ElementsAre("/home/alice/bin/t"));
  EXPECT_THAT(Load("token_command = [\"./t\", \"~/x\"]")->token_command.value,
              ElementsAre(::testing::TempDir() + "/./t", "~/x"));
  EXPECT_THAT(DescribeConfig(*Load("token_command = [\"p\", \"a \\\"b\"]")),
              HasSubstr("token_command = [\"p\", \"a \\\"b\"]  # " + path_));
}

TEST_F(ConfigTest, TakesTheTokenFromOneSource) {
  const std::string both = "token_command = [\"p\"]\n[outbox]\n[server]\n";
  EXPECT_EQ(ErrorOf("token_file = \"/t\"\n" + both),
            "2: token_file and token_command are both set (" + path_ +
                ":1 and " + path_ +
                ":2); the token can come from one of them only");
  environment_.variables["CREDENTIALS_DIRECTORY"] = "/run/credentials/p";
  EXPECT_EQ(Load(both)->token_file.value, "");
  flags_.token_file = "of-the-flag";
  EXPECT_EQ(Load(both)->token_file.value, "of-the-flag");
  EXPECT_THAT(Load(both)->token_command.value, ElementsAre());
}

TEST_F(ConfigTest, TakesSeveralServersInOrder) {
  absl::StatusOr<Config> config =
      Load("server_url = [\"https://b\", \"wss://a/x/\"]");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_THAT(config->server_urls.value,
              ElementsAre("https://b", "https://a/x"));
  EXPECT_THAT(DescribeConfig(*config),
              HasSubstr("server_url = [\"https://b\", \"https://a/x\"]  # "));
  for (int i = 0; i < 8; ++i) {
    flags_.server_urls.push_back(absl::StrCat("http://h", i));
  }
  EXPECT_EQ(Load("")->server_urls.value.size(), 8u);
  flags_.server_urls.push_back("http://h8");
  EXPECT_EQ(Load("").status().message(),
            "--server-url: 1 to 8 servers can be given, not 9");
}

TEST_F(ConfigTest, DescribesEveryValueWithItsOrigin) {
  flags_.profile = "work";
  flags_.server_urls = {"http://h:1"};
  flags_.state_dir = "/state";
  const absl::StatusOr<Config> config =
      Load("[outbox]\nmax_entries = 7\nambiguous_sends = \"hold\"\n");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(DescribeConfig(*config),
            absl::StrCat("# profile work\n"
                         "# configuration ",
                         path_,
                         " (--config)\n"
                         "# state directory /state (--state-dir)\n"
                         "# socket /run/user/1000/parley/work.sock "
                         "($XDG_RUNTIME_DIR)\n"
                         "server_url = \"http://h:1\"  # --server-url\n"
                         "# neither token_file nor token_command is set: the "
                         "token comes from parleyctl auth set-token\n"
                         "# user is not set\n"
                         "log_level = \"info\"  # default\n"
                         "\n"
                         "[server]\n"
                         "# ca_file is not set\n"
                         "# proxy is not set\n"
                         "no_proxy = []  # default\n"
                         "\n"
                         "[outbox]\n"
                         "max_entries = 7  # ",
                         path_,
                         ":2\n"
                         "max_bytes = 67108864  # default\n"
                         "max_answered_failures = 5  # default\n"
                         "ambiguous_sends = \"hold\"  # ",
                         path_, ":3\n"));
  // What it prints is a configuration file itself.
  flags_.server_urls.clear();
  const absl::StatusOr<Config> again = Load(DescribeConfig(*config));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->outbox_max_entries.value, 7u);
}

TEST_F(ConfigTest, TakesProxiesFromTheEnvironmentWhereTheFileIsSilent) {
  environment_.variables["HTTPS_PROXY"] = "http://secure:1";
  environment_.variables["http_proxy"] = "plain:2";
  environment_.variables["HTTP_PROXY"] = "other:3";
  environment_.variables["NO_PROXY"] = "intern.example, .lan,,what is this";
  absl::StatusOr<Config> config = Load("");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->https_proxy.value->Authority(), "secure:1");
  EXPECT_EQ(config->https_proxy.origin, "$HTTPS_PROXY");
  EXPECT_EQ(config->http_proxy.value->Authority(), "plain:2");
  EXPECT_EQ(config->http_proxy.origin, "$http_proxy");
  // Not for what is on this machine.
  EXPECT_THAT(config->no_proxy.value,
              ElementsAre("intern.example", ".lan", "what", "is", "this",
                          "localhost", "127.0.0.0/8", "::1"));
  EXPECT_THAT(DescribeConfig(*config),
              HasSubstr("# http:// servers are reached through plain:2  # "
                        "$http_proxy\n# https:// servers are reached through "
                        "secure:1  # $HTTPS_PROXY\nno_proxy = "
                        "[\"intern.example\", "));

  config = Load("[server]\nproxy = \"file:4\"\nno_proxy = []\n");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->http_proxy.value->Authority(), "file:4");
  EXPECT_EQ(config->https_proxy.value->Authority(), "file:4");
  EXPECT_THAT(config->no_proxy.value, ElementsAre());

  config = Load("[server]\nproxy = \"\"\n");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_FALSE(config->http_proxy.value.has_value());
  EXPECT_FALSE(config->https_proxy.value.has_value());
  EXPECT_THAT(DescribeConfig(*config), HasSubstr("\nproxy = \"\"  # "));
}

TEST_F(ConfigTest, NamesTheVariableWhoseProxyItCannotUse) {
  environment_.variables["https_proxy"] = "socks5://alice:secret@h:1080";
  EXPECT_EQ(Load("").status().message(),
            "$https_proxy is wrong: no proxy URL such as "
            "http://proxy.example:3128: SOCKS proxies are not supported, only "
            "HTTP proxies; server.proxy in the configuration overrides it "
            "(\"\" for none)");
  EXPECT_TRUE(Load("server.proxy = \"\"").ok());
}

TEST_F(ConfigTest, ShowsNoPasswordOfAProxy) {
  const absl::StatusOr<Config> config =
      Load("server.proxy = \"http://carol:secret@proxy:3128\"");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_THAT(DescribeConfig(*config),
              AllOf(HasSubstr("\nproxy = \"http://proxy:3128\"  # "),
                    HasSubstr("; its password is not shown\n"),
                    Not(HasSubstr("secret")), Not(HasSubstr("carol"))));
  EXPECT_THAT(
      ErrorOf("server.proxy = \"http://carol:secret@proxy:x\""),
      AllOf(HasSubstr("the port is no number"), Not(HasSubstr("secret"))));
}

}  // namespace
}  // namespace parley::app
