#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "daemon/transport/testing/connect_proxy.h"
#include "daemon/transport/testing/tls_peer.h"
#include "gtest/gtest.h"
#include "parley/v1/status.pb.h"
#include "tests/integration/harness/calls.h"
#include "tests/integration/harness/daemon.h"
#include "tests/integration/harness/port.h"
#include "tests/integration/harness/process.h"
#include "tests/integration/harness/realtime_server.h"
#include "tests/integration/harness/test_bed.h"

namespace parley::integration {
namespace {

using transport::testing::Certificate;
using transport::testing::CertificateRequest;
using transport::testing::ConnectProxy;
using transport::testing::MakeCertificate;

// A daemon that reaches the reference server only by way of something else.
class TlsProxyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(bed_.server().Start());
    alice_ = &bed_.AddDaemon("alice");
    CertificateRequest request;
    request.common_name = "Our CA";
    request.is_ca = true;
    ca_ = MakeCertificate(request, nullptr);
    WriteFile("ca.pem", ca_.Pem());
  }

  std::string WriteFile(const std::string& name, const std::string& content) {
    std::string path = absl::StrCat(bed_.dir(), "/", name);
    std::ofstream(path) << content;
    return path;
  }

  Certificate ForLocalhost() const {
    CertificateRequest request;
    request.names = "DNS:localhost";
    return MakeCertificate(request, &ca_);
  }

  // Starts Node's HTTPS in front of the server.
  void StartFront(const Certificate& certificate) {
    CommandLine command;
    command.arguments = {"/usr/bin/env",
                         "node",
                         "tests/integration/https_front.js",
                         absl::StrCat(front_port_.number()),
                         absl::StrCat(bed_.server().port()),
                         WriteFile("front.pem", certificate.Pem()),
                         WriteFile("front.key", certificate.KeyPem()),
                         "{ready_fd}"};
    command.environment = PrivateEnvironment(bed_.dir());
    auto front = Process::Start(command, bed_.dir() + "/front.out",
                                bed_.dir() + "/front.log", true);
    ASSERT_OK(front);
    front_ = *std::move(front);
    ASSERT_TRUE(front_->WaitReady());
  }

  std::string FrontUrl() const {
    return absl::StrCat("https://localhost:", front_port_.number());
  }

  std::string TrustOurCa() const {
    return absl::StrCat("server.ca_file = \"", bed_.dir(), "/ca.pem\"\n");
  }

  Calls calls() { return Calls(&alice_->client()); }

  void ExpectThatMessagesArrive() {
    ASSERT_OK(calls().WaitUntilReady());
    ASSERT_OK(calls().Join("general"));
    ASSERT_OK(calls().Send("general", "through"));
    ASSERT_OK(calls().WaitUntilSent());
    const auto texts = bed_.server().Texts("general", "alice");
    ASSERT_OK(texts);
    EXPECT_EQ(*texts, std::vector<std::string>{"through"});
  }

  void ExpectError(const std::string& words) {
    const absl::Status seen =
        calls().WaitUntil([&](const v1::DaemonStatus& status) {
          return absl::StrContains(status.connection().last_error_message(),
                                   words);
        });
    EXPECT_TRUE(seen.ok()) << words << ": " << seen;
  }

  TestBed bed_;
  Certificate ca_;
  Port front_port_;
  std::unique_ptr<Process> front_;
  Daemon* alice_ = nullptr;
};

TEST_F(TlsProxyTest, TalksToAServerWithTls) {
  ASSERT_NO_FATAL_FAILURE(StartFront(ForLocalhost()));
  alice_->options().server_url = FrontUrl();
  alice_->options().config = TrustOurCa();
  ASSERT_OK(alice_->Start());
  ExpectThatMessagesArrive();
}

TEST_F(TlsProxyTest, TellsPeopleWhyACertificateIsRefusedAndGoesOn) {
  CertificateRequest request;
  request.names = "DNS:localhost";
  request.begins = -absl::Hours(48);
  request.ends = -absl::Hours(24);
  ASSERT_NO_FATAL_FAILURE(StartFront(MakeCertificate(request, &ca_)));
  alice_->options().server_url = FrontUrl();
  alice_->options().config = TrustOurCa();
  ASSERT_OK(alice_->Start());
  ExpectError("the certificate of localhost expired on ");
  // It is renewed.
  front_->Kill();
  ASSERT_NO_FATAL_FAILURE(StartFront(ForLocalhost()));
  ASSERT_OK(calls().Connect());
  ExpectThatMessagesArrive();
}

TEST_F(TlsProxyTest, TrustsNobodyElse) {
  ASSERT_NO_FATAL_FAILURE(StartFront(ForLocalhost()));
  alice_->options().server_url = FrontUrl();
  ASSERT_OK(alice_->Start());
  ExpectError("was issued by \"Our CA\", a CA that is not trusted here");
}

TEST_F(TlsProxyTest, ReportsACaFileThatItCannotRead) {
  alice_->options().config = "server.ca_file = \"/nonexistent/ca.pem\"\n";
  const auto result = alice_->RunToEnd();
  ASSERT_OK(result);
  EXPECT_NE(result->code, 0);
  EXPECT_TRUE(absl::StrContains(result->err,
                                "cannot use the CA file /nonexistent/ca.pem: "))
      << result->err;
}

TEST_F(TlsProxyTest, TalksToAServerWithTlsThroughAProxy) {
  ASSERT_NO_FATAL_FAILURE(StartFront(ForLocalhost()));
  const ConnectProxy proxy(static_cast<uint16_t>(front_port_.number()));
  alice_->options().server_url = FrontUrl();
  alice_->options().config = absl::StrCat(
      TrustOurCa(),
      "server.proxy = \"http://carol:pass-word@127.0.0.1:", proxy.port(),
      "\"\n");
  ASSERT_OK(alice_->Start());
  ExpectThatMessagesArrive();
  ASSERT_EQ(proxy.requests().size(), 1u);
  EXPECT_TRUE(absl::StartsWith(
      proxy.requests()[0],
      absl::StrCat("CONNECT localhost:", front_port_.number(), " HTTP/1.1")));
  ASSERT_OK(alice_->Stop());
  const std::string log = ReadTextFile(alice_->log_path());
  EXPECT_FALSE(log.empty());
  EXPECT_FALSE(absl::StrContains(log, "pass-word"));
}

TEST_F(TlsProxyTest, TellsPeopleWhyAProxyRefuses) {
  const ConnectProxy proxy(0, "HTTP/1.1 407 No\r\n\r\n");
  alice_->options().server_url = "http://chat.example";
  alice_->options().config =
      absl::StrCat("server.proxy = \"127.0.0.1:", proxy.port(), "\"\n");
  ASSERT_OK(alice_->Start());
  ExpectError("wants a user name and a password (HTTP 407)");
}

TEST_F(TlsProxyTest, GoesPastTheProxyWhereItIsToldTo) {
  const ConnectProxy proxy(0);
  alice_->options().config =
      absl::StrCat("[server]\nproxy = \"127.0.0.1:", proxy.port(),
                   "\"\nno_proxy = [\"127.0.0.1\"]\n");
  ASSERT_OK(alice_->Start());
  ExpectThatMessagesArrive();
  EXPECT_EQ(proxy.accepted(), 0);
}

}  // namespace
}  // namespace parley::integration
