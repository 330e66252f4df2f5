#ifndef DAEMON_TRANSPORT_TLS_CLIENT_H_
#define DAEMON_TRANSPORT_TLS_CLIENT_H_

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace parley::transport {

// How we speak TLS, and why it failed, in words for a person.
//
// TLS 1.2 is the floor, and a server must always prove who it is: nothing here
// can switch that off. Names and trust are checked here and not by
// libwebsockets, which cuts an IPv6 address at its first colon, accepts a
// certificate whose time has not come, and keeps the reason of a failure to
// itself.
//
// One handshake at a time, on one thread.
class TlsClient {
 public:
  // `ca_file`: what to trust in place of the system's CAs; empty: those. They
  // are read when first needed.
  static absl::StatusOr<std::unique_ptr<TlsClient>> Create(
      const std::string& ca_file);

  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  // For libwebsockets. Lives as long as this object.
  SSL_CTX* context() { return context_.get(); }

  // Before each handshake: whom the certificate must name, a DNS name or an IP
  // address.
  void Expect(const std::string& host);
  // Why the last handshake failed; empty when it did not, or when the server
  // only hung up.
  const std::string& failure() const { return failure_; }

 private:
  struct FreeContext {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };

  TlsClient() = default;

  static int VerifyCertificate(X509_STORE_CTX* store, void* self);
  static void OnProgress(const SSL* ssl, int where, int result);
  void NoteFailure(unsigned long error);

  std::unique_ptr<SSL_CTX, FreeContext> context_;
  bool system_trust_ = false;
  bool trust_loaded_ = false;
  std::string host_;
  bool host_is_address_ = false;
  std::string failure_;
};

}  // namespace parley::transport

#endif  // DAEMON_TRANSPORT_TLS_CLIENT_H_
