#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/transport/lws_transport.h"
#include "daemon/transport/testing/recording_sink.h"
#include "daemon/transport/testing/scripted_peer.h"
#include "daemon/transport/testing/tls_peer.h"
#include "daemon/transport/testing/transport_test_bed.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::transport {
namespace {

using ::testing::AllOf;
using testing::Certificate;
using testing::CertificateRequest;
using testing::ClosePayload;
using ::testing::ElementsAre;
using testing::EncodeFrame;
using testing::Frame;
using testing::HasIpv6;
using ::testing::HasSubstr;
using testing::MakeCertificate;
using testing::MakeTransport;
using testing::PeerConnection;
using testing::RecordingSink;
using testing::ScriptedPeer;
using ::testing::StartsWith;
using testing::TlsPeer;
using testing::WriteTestFile;

constexpr core::ConnectionId kFirst(1);

class LwsTransportTlsTest : public ::testing::Test {
 protected:
  LwsTransportTlsTest()
      : ca_(MakeCa("Our CA")),
        ca_file_(WriteTestFile("our-ca.pem", ca_.Pem())),
        backend_([](PeerConnection* connection) {
          connection->Upgrade();
          while (std::optional<Frame> frame = connection->ReadFrame()) {
            if (frame->opcode == 8) return;
            connection->SendText("echo " + frame->payload);
          }
        }) {}

  static Certificate MakeCa(const std::string& name) {
    CertificateRequest request;
    request.common_name = name;
    request.is_ca = true;
    return MakeCertificate(request, nullptr);
  }

  static Certificate MakeLeaf(const std::string& names,
                              const Certificate* issuer) {
    CertificateRequest request;
    request.names = names;
    return MakeCertificate(request, issuer);
  }

  LwsTransport::Options Trusting(const std::string& ca_file) const {
    LwsTransport::Options options;
    options.ca_file = ca_file;
    options.look_up = [](const std::string&) {
      return absl::StatusOr<Addresses>(Addresses{"127.0.0.1"});
    };
    return options;
  }

  // Dials chat.example, and returns the first event without its "closed 1 ".
  std::string Dial(const TlsPeer::Options& server,
                   const std::string& host = "chat.example") {
    const TlsPeer peer(server, backend_.port());
    RecordingSink sink;
    std::unique_ptr<LwsTransport> transport =
        MakeTransport(&sink, Trusting(ca_file_));
    transport->Open(kFirst, absl::StrCat("wss://", host, ":", peer.port()));
    const std::string line = sink.WaitFor("");
    transport->Stop();
    const std::string prefix = "closed 1 ";
    return line.compare(0, prefix.size(), prefix) == 0
               ? line.substr(prefix.size())
               : line;
  }

  std::string DialWith(const CertificateRequest& request,
                       const Certificate* issuer) {
    TlsPeer::Options server;
    server.certificate = MakeCertificate(request, issuer);
    return Dial(server);
  }

  const Certificate ca_;
  const std::string ca_file_;
  ScriptedPeer backend_;
};

TEST_F(LwsTransportTlsTest, ExchangesTextWithAServerThatItsCaVouchesFor) {
  TlsPeer::Options server;
  server.certificate = MakeLeaf("DNS:chat.example", &ca_);
  const TlsPeer peer(server, backend_.port());
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport =
      MakeTransport(&sink, Trusting(ca_file_));
  transport->Open(kFirst, absl::StrCat("https://chat.example:", peer.port()));
  ASSERT_EQ(sink.WaitFor(""), "opened 1");
  transport->Send(kFirst, "a");
  // Many TLS records, in both directions.
  const std::string large(4000000, 'b');
  transport->Send(kFirst, large);
  EXPECT_EQ(sink.WaitFor("text 1 echo b"), "text 1 echo " + large);
  transport->Stop();
  EXPECT_EQ(sink.lines()[1], "text 1 echo a");
  EXPECT_THAT(peer.names_asked_for(), ElementsAre("chat.example"));
  // HTTP/2 was not offered, though the server would have liked it.
  EXPECT_THAT(peer.handshakes(), ElementsAre("TLSv1.3 http/1.1"));
}

TEST_F(LwsTransportTlsTest, TakesTls12) {
  TlsPeer::Options server;
  server.certificate = MakeLeaf("DNS:chat.example", &ca_);
  server.max_version = TLS1_2_VERSION;
  EXPECT_EQ(Dial(server), "opened 1");
}

TEST_F(LwsTransportTlsTest, RefusesAnExpiredCertificate) {
  CertificateRequest request;
  request.names = "DNS:chat.example";
  request.begins = -absl::Hours(48);
  request.ends = -absl::Hours(24);
  EXPECT_THAT(DialWith(request, &ca_),
              AllOf(StartsWith("the certificate of chat.example expired on 20"),
                    HasSubstr("must renew it")));
}

TEST_F(LwsTransportTlsTest, RefusesACertificateWhoseTimeHasNotCome) {
  CertificateRequest request;
  request.names = "DNS:chat.example";
  request.begins = absl::Hours(24);
  request.ends = absl::Hours(48);
  EXPECT_THAT(
      DialWith(request, &ca_),
      AllOf(StartsWith("the certificate of chat.example is not valid before"),
            HasSubstr("the clock of this device may be wrong")));
}

TEST_F(LwsTransportTlsTest, RefusesASelfSignedCertificate) {
  CertificateRequest request;
  request.names = "DNS:chat.example";
  EXPECT_EQ(DialWith(request, nullptr),
            "the certificate of chat.example is self-signed, so nobody vouches "
            "for it; if it is the right one, name it in server.ca_file");
}

TEST_F(LwsTransportTlsTest, TakesASelfSignedCertificateThatIsTrusted) {
  TlsPeer::Options server;
  server.certificate = MakeLeaf("DNS:chat.example", nullptr);
  WriteTestFile("our-ca.pem", server.certificate.Pem());
  EXPECT_EQ(Dial(server), "opened 1");
}

TEST_F(LwsTransportTlsTest, RefusesACertificateOfAnUntrustedCa) {
  const Certificate other = MakeCa("Other CA");
  CertificateRequest request;
  request.names = "DNS:chat.example";
  EXPECT_EQ(DialWith(request, &other),
            "the certificate of chat.example was issued by \"Other CA\", a CA "
            "that is not trusted here; if it is yours, name its certificate in "
            "server.ca_file");
}

// A CA of the same name with another key.
TEST_F(LwsTransportTlsTest, RefusesACertificateOfAnImpostor) {
  const Certificate impostor = MakeCa("Our CA");
  CertificateRequest request;
  request.names = "DNS:chat.example";
  EXPECT_THAT(DialWith(request, &impostor),
              StartsWith("the certificate of chat.example was refused: "
                         "certificate signature failure"));
}

TEST_F(LwsTransportTlsTest, RefusesACertificateForAnotherName) {
  TlsPeer::Options server;
  server.certificate =
      MakeLeaf("DNS:mail.example,DNS:*.mail.example,IP:10.0.0.1", &ca_);
  EXPECT_EQ(Dial(server),
            "the certificate of chat.example is for another name: "
            "mail.example, *.mail.example, 10.0.0.1; check the host in "
            "server_url");
  // The address that was dialled is not the name that was meant.
  server.certificate = MakeLeaf("IP:127.0.0.1", &ca_);
  EXPECT_THAT(Dial(server), HasSubstr("is for another name: 127.0.0.1"));
  // Nor does the common name count, which is the right one here.
  server.certificate = MakeLeaf("", &ca_);
  EXPECT_THAT(Dial(server), HasSubstr("certificate of chat.example names no "));
  server.certificate = MakeLeaf("DNS:a,DNS:b,DNS:c,DNS:d,DNS:e,DNS:f", &ca_);
  EXPECT_THAT(Dial(server), HasSubstr("a, b, c, d, e and 1 other names;"));
}

TEST_F(LwsTransportTlsTest, RefusesAServerThatSpeaksOldVersionsOnly) {
  TlsPeer::Options server;
  server.certificate = MakeLeaf("DNS:chat.example", &ca_);
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    server.max_version = version;
    EXPECT_EQ(Dial(server),
              "chat.example speaks neither TLS 1.2 nor 1.3, only older "
              "versions, which are not safe; whoever runs the server must "
              "enable TLS 1.2");
  }
}

TEST_F(LwsTransportTlsTest, ChecksAnAddressThatTheUrlNames) {
  TlsPeer::Options server;
  server.certificate = MakeLeaf("IP:127.0.0.1", &ca_);
  EXPECT_EQ(Dial(server, "127.0.0.1"), "opened 1");
  server.certificate = MakeLeaf("DNS:127.0.0.1", &ca_);
  EXPECT_THAT(Dial(server, "127.0.0.1"), HasSubstr("is for another name"));
  server.certificate = MakeLeaf("IP:127.0.0.2", &ca_);
  EXPECT_THAT(Dial(server, "127.0.0.1"), HasSubstr("is for another name"));
  if (!HasIpv6()) GTEST_SKIP() << "this machine has no IPv6";
  server.ipv6 = true;
  server.certificate = MakeLeaf("IP:::1", &ca_);
  EXPECT_EQ(Dial(server, "[::1]"), "opened 1");
  server.certificate = MakeLeaf("IP:::2", &ca_);
  EXPECT_THAT(Dial(server, "[::1]"),
              HasSubstr("the certificate of ::1 is for another name: ::2"));
}

TEST_F(LwsTransportTlsTest, SendsNoAddressAsAServerName) {
  TlsPeer::Options server;
  server.certificate = MakeLeaf("IP:127.0.0.1", &ca_);
  const TlsPeer peer(server, backend_.port());
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport =
      MakeTransport(&sink, Trusting(ca_file_));
  transport->Open(kFirst, absl::StrCat("wss://127.0.0.1:", peer.port()));
  EXPECT_EQ(sink.WaitFor(""), "opened 1");
  EXPECT_THAT(peer.names_asked_for(), ElementsAre("(none)"));
}

// libwebsockets itself has room for 127 bytes.
TEST_F(LwsTransportTlsTest, TakesALongName) {
  const std::string label(60, 'x');
  const std::string host =
      absl::StrCat(label, ".", label, ".", label, ".example");
  TlsPeer::Options server;
  server.certificate = MakeLeaf("DNS:" + host, &ca_);
  EXPECT_EQ(Dial(server, host), "opened 1");
}

// One end for each connection, each certificate judged on its own.
TEST_F(LwsTransportTlsTest, ConnectsAgainAfterARefusal) {
  TlsPeer::Options good;
  good.certificate = MakeLeaf("DNS:chat.example", &ca_);
  TlsPeer::Options bad;
  bad.certificate = MakeLeaf("DNS:chat.example", nullptr);
  const TlsPeer good_peer(good, backend_.port());
  const TlsPeer bad_peer(bad, backend_.port());
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport =
      MakeTransport(&sink, Trusting(ca_file_));
  for (uint64_t id = 1; id <= 6; ++id) {
    const bool is_good = id % 2 == 0;
    transport->Open(core::ConnectionId(id),
                    absl::StrCat("https://chat.example:",
                                 (is_good ? good_peer : bad_peer).port()));
    const std::string wanted =
        absl::StrCat(is_good ? "opened " : "closed ", id);
    EXPECT_THAT(sink.WaitFor(wanted), StartsWith(wanted));
    if (is_good) transport->Close(core::ConnectionId(id));
  }
}

TEST_F(LwsTransportTlsTest, TrustsNoCaOfItsOwnWithTheSystems) {
  TlsPeer::Options server;
  server.certificate = MakeLeaf("DNS:chat.example", &ca_);
  const TlsPeer peer(server, backend_.port());
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport = MakeTransport(&sink, Trusting(""));
  transport->Open(kFirst, absl::StrCat("https://chat.example:", peer.port()));
  EXPECT_THAT(sink.WaitFor(""), HasSubstr("a CA that is not trusted here"));
}

TEST_F(LwsTransportTlsTest, SaysWhyItCannotUseTheCaFile) {
  RecordingSink sink;
  const std::string missing = ::testing::TempDir() + "/missing.pem";
  EXPECT_THAT(
      std::string(
          LwsTransport::Create(Trusting(missing), &sink).status().message()),
      StartsWith(absl::StrCat("cannot use the CA file ", missing, ": ")));
  const std::string empty = WriteTestFile("empty.pem", "no certificate\n");
  EXPECT_THAT(
      std::string(
          LwsTransport::Create(Trusting(empty), &sink).status().message()),
      HasSubstr("; it must hold one or more certificates as PEM"));
}

TEST_F(LwsTransportTlsTest, NamesAServerWithoutTls) {
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport =
      MakeTransport(&sink, Trusting(ca_file_));
  ScriptedPeer plain([](PeerConnection* connection) {
    connection->Send("HTTP/1.1 400 Bad Request\r\n\r\n");
    connection->WaitForClose();
  });
  transport->Open(kFirst, absl::StrCat("https://chat.example:", plain.port()));
  EXPECT_EQ(sink.WaitFor(""),
            "closed 1 chat.example does not speak TLS at this port; check "
            "server_url, or use http:// if it is meant");
}

TEST_F(LwsTransportTlsTest, ReportsAServerThatHangsUpOrHangs) {
  LwsTransport::Options options = Trusting(ca_file_);
  options.handshake_timeout = absl::Milliseconds(50);
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport = MakeTransport(&sink, options);
  ScriptedPeer closing([](PeerConnection*) {});
  transport->Open(kFirst,
                  absl::StrCat("https://chat.example:", closing.port()));
  EXPECT_THAT(sink.WaitFor("closed 1"),
              HasSubstr("closed the connection during the TLS handshake"));
  ScriptedPeer silent(
      [](PeerConnection* connection) { connection->HoldOpen(); });
  transport->Open(core::ConnectionId(2),
                  absl::StrCat("https://chat.example:", silent.port()));
  EXPECT_THAT(sink.WaitFor("closed 2"),
              HasSubstr("accepted the connection but did not answer the TLS"));
}

// All that a server says before it closes arrives, however it is cut into
// segments and TLS records.
TEST_F(LwsTransportTlsTest, LosesNoFinalFrames) {
  constexpr int kFrames = 3000;
  ScriptedPeer backend([](PeerConnection* connection) {
    connection->Upgrade();
    for (int i = 0; i < kFrames; ++i) {
      connection->SendText(absl::StrCat(i, std::string(500, '.')));
    }
    connection->Send(EncodeFrame({true, 8, false, ClosePayload(1001, "")}));
  });
  TlsPeer::Options server;
  server.certificate = MakeLeaf("DNS:chat.example", &ca_);
  const TlsPeer peer(server, backend.port());
  RecordingSink sink;
  std::unique_ptr<LwsTransport> transport =
      MakeTransport(&sink, Trusting(ca_file_));
  transport->Open(kFirst, absl::StrCat("https://chat.example:", peer.port()));
  EXPECT_EQ(sink.WaitFor("closed 1"), "closed 1 closed by the server (1001)");
  EXPECT_EQ(sink.lines().size(), kFrames + 2u);
}

}  // namespace
}  // namespace parley::transport
