#ifndef DAEMON_TRANSPORT_TESTING_TLS_PEER_H_
#define DAEMON_TRANSPORT_TESTING_TLS_PEER_H_

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "daemon/base/mutex.h"
#include "daemon/transport/testing/scripted_peer.h"

namespace parley::transport::testing {

// A certificate with its key.
struct Certificate {
  std::shared_ptr<X509> certificate;
  std::shared_ptr<EVP_PKEY> key;

  std::string Pem() const;
  std::string KeyPem() const;
};

struct CertificateRequest {
  std::string common_name = "chat.example";
  // "DNS:a.example,IP:127.0.0.1", as openssl.cnf has it; empty: none.
  std::string names;
  bool is_ca = false;
  absl::Duration begins = -absl::Hours(1);  // from now
  absl::Duration ends = absl::Hours(1);
};

// Signs it with the issuer's key; null: with its own.
Certificate MakeCertificate(const CertificateRequest& request,
                            const Certificate* issuer);

// A server with TLS: unwraps each connection, and passes it on to a plain
// server on 127.0.0.1.
class TlsPeer {
 public:
  struct Options {
    Certificate certificate;
    int max_version = 0;  // TLS1_VERSION; 0: the newest
    bool ipv6 = false;    // listens on ::1 in place of 127.0.0.1
  };

  TlsPeer(const Options& options, uint16_t backend_port);

  uint16_t port() const { return listener_->port(); }
  // Of each ClientHello: the name asked for, or "(none)".
  std::vector<std::string> names_asked_for() const;
  // Of each handshake that succeeded: "TLSv1.3 http/1.1".
  std::vector<std::string> handshakes() const;

 private:
  struct FreeContext {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };

  static int OnServerName(SSL* ssl, int* alert, void* self);
  static int OnAlpn(SSL* ssl, const unsigned char** out,
                    unsigned char* out_size, const unsigned char* in,
                    unsigned in_size, void* self);
  void Serve(PeerConnection* connection);

  const uint16_t backend_port_;
  std::unique_ptr<SSL_CTX, FreeContext> context_;
  mutable base::Mutex mutex_;
  std::vector<std::string> names_asked_for_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> handshakes_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<ScriptedPeer> listener_;  // last: its scripts use the rest
};

}  // namespace parley::transport::testing

#endif  // DAEMON_TRANSPORT_TESTING_TLS_PEER_H_
