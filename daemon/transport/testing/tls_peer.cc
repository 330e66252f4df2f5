#include "daemon/transport/testing/tls_peer.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <ctime>

#include "absl/strings/str_cat.h"
#include "daemon/base/check.h"
#include "daemon/transport/testing/tunnel.h"

namespace parley::transport::testing {
namespace {

constexpr int kDeadlineMs = 20000;

std::string ReadAll(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<size_t>(size));
  BIO_free(bio);
  return text;
}

void AddExtension(X509* certificate, X509* issuer, int nid,
                  const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension =
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  PARLEY_CHECK(extension != nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

// Waits for the socket, as OpenSSL asked. False: it failed for good.
bool WaitFor(SSL* ssl, int result) {
  const int error = SSL_get_error(ssl, result);
  const bool read = error == SSL_ERROR_WANT_READ;
  if (!read && error != SSL_ERROR_WANT_WRITE) return false;
  pollfd poller = {SSL_get_fd(ssl), static_cast<short>(read ? POLLIN : POLLOUT),
                   0};
  return poll(&poller, 1, kDeadlineMs) > 0;
}

bool Handshake(SSL* ssl) {
  while (true) {
    const int result = SSL_accept(ssl);
    if (result == 1) return true;
    if (!WaitFor(ssl, result)) return false;
  }
}

bool WriteAll(SSL* ssl, const char* bytes, int size) {
  while (true) {
    const int result = SSL_write(ssl, bytes, size);
    if (result > 0) return true;
    if (!WaitFor(ssl, result)) return false;
  }
}

// Until either side closes.
void Shuttle(SSL* ssl, int backend) {
  char chunk[16384];
  while (true) {
    pollfd pollers[2] = {{SSL_get_fd(ssl), POLLIN, 0}, {backend, POLLIN, 0}};
    if (SSL_pending(ssl) == 0 && poll(pollers, 2, -1) <= 0) return;
    if (SSL_pending(ssl) > 0 || pollers[0].revents != 0) {
      const int size = SSL_read(ssl, chunk, sizeof(chunk));
      if (size > 0) {
        if (!SendAll(backend, {chunk, static_cast<size_t>(size)})) return;
      } else if (SSL_get_error(ssl, size) != SSL_ERROR_WANT_READ) {
        return;
      }
    }
    if (pollers[1].revents == 0) continue;
    const ssize_t size = read(backend, chunk, sizeof(chunk));
    if (size <= 0) return;
    if (!WriteAll(ssl, chunk, static_cast<int>(size))) return;
  }
}

}  // namespace

std::string Certificate::Pem() const {
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate.get());
  return ReadAll(bio);
}

std::string Certificate::KeyPem() const {
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr,
                           nullptr);
  return ReadAll(bio);
}

Certificate MakeCertificate(const CertificateRequest& request,
                            const Certificate* issuer) {
  static std::atomic<long> serial = 1;
  Certificate result;
  result.key = std::shared_ptr<EVP_PKEY>(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  result.certificate = std::shared_ptr<X509>(X509_new(), &X509_free);
  PARLEY_CHECK(result.key != nullptr && result.certificate != nullptr);
  X509* const certificate = result.certificate.get();
  const Certificate& signer = issuer == nullptr ? result : *issuer;
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  const time_t now = time(nullptr);
  ASN1_TIME_set(X509_getm_notBefore(certificate),
                now + absl::ToInt64Seconds(request.begins));
  ASN1_TIME_set(X509_getm_notAfter(certificate),
                now + absl::ToInt64Seconds(request.ends));
  X509_set_pubkey(certificate, result.key.get());
  X509_NAME_add_entry_by_txt(
      X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
      reinterpret_cast<const unsigned char*>(request.common_name.c_str()), -1,
      -1, 0);
  X509_set_issuer_name(certificate,
                       X509_get_subject_name(signer.certificate.get()));
  AddExtension(certificate, signer.certificate.get(), NID_basic_constraints,
               request.is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (!request.names.empty()) {
    AddExtension(certificate, signer.certificate.get(), NID_subject_alt_name,
                 request.names);
  }
  PARLEY_CHECK(X509_sign(certificate, signer.key.get(), EVP_sha256()) > 0);
  return result;
}

TlsPeer::TlsPeer(const Options& options, uint16_t backend_port)
    : backend_port_(backend_port), context_(SSL_CTX_new(TLS_server_method())) {
  SSL_CTX* const context = context_.get();
  PARLEY_CHECK(SSL_CTX_use_certificate(
                   context, options.certificate.certificate.get()) == 1);
  PARLEY_CHECK(SSL_CTX_use_PrivateKey(context, options.certificate.key.get()) ==
               1);
  if (options.max_version != 0) {
    // What has been broken for years is forbidden above level 0.
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, 0);
    SSL_CTX_set_max_proto_version(context, options.max_version);
  }
  SSL_CTX_set_tlsext_servername_callback(context, &TlsPeer::OnServerName);
  SSL_CTX_set_tlsext_servername_arg(context, this);
  SSL_CTX_set_alpn_select_cb(context, &TlsPeer::OnAlpn, this);
  listener_ = std::make_unique<ScriptedPeer>(
      [this](PeerConnection* connection) { Serve(connection); }, options.ipv6);
}

std::vector<std::string> TlsPeer::names_asked_for() const {
  base::MutexLock lock(&mutex_);
  return names_asked_for_;
}

std::vector<std::string> TlsPeer::handshakes() const {
  base::MutexLock lock(&mutex_);
  return handshakes_;
}

int TlsPeer::OnServerName(SSL* ssl, int*, void* self) {
  TlsPeer* const peer = static_cast<TlsPeer*>(self);
  const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  base::MutexLock lock(&peer->mutex_);
  peer->names_asked_for_.emplace_back(name == nullptr ? "(none)" : name);
  return SSL_TLSEXT_ERR_OK;
}

// A server that would rather speak HTTP/2.
int TlsPeer::OnAlpn(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* in, unsigned in_size, void*) {
  static constexpr unsigned char kOurs[] = "\x02h2\x08http/1.1";
  const int result =
      SSL_select_next_proto(const_cast<unsigned char**>(out), out_size, kOurs,
                            sizeof(kOurs) - 1, in, in_size);
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK
                                          : SSL_TLSEXT_ERR_NOACK;
}

void TlsPeer::Serve(PeerConnection* connection) {
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context_.get()),
                                                &SSL_free);
  SSL_set_fd(ssl.get(), connection->descriptor());
  if (!Handshake(ssl.get())) return;
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl.get(), &protocol, &size);
  {
    base::MutexLock lock(&mutex_);
    handshakes_.push_back(absl::StrCat(
        SSL_get_version(ssl.get()), " ",
        absl::string_view(reinterpret_cast<const char*>(protocol), size)));
  }
  const int backend = ConnectToLoopback(backend_port_);
  if (backend < 0) return;
  Shuttle(ssl.get(), backend);
  close(backend);
  SSL_shutdown(ssl.get());
}

}  // namespace parley::transport::testing
