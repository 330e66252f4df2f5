#include "daemon/transport/tls_client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "daemon/transport/url.h"

namespace parley::transport {
namespace {

// A certificate can be for hundreds of names.
constexpr size_t kMaxNamesShown = 5;

std::string ReasonOf(unsigned long error) {
  const char* const reason = ERR_reason_error_string(error);
  return reason == nullptr ? absl::StrCat("error ", error) : reason;
}

std::string Text(const ASN1_STRING* value) {
  return absl::Utf8SafeCHexEscape(absl::string_view(
      reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
      static_cast<size_t>(ASN1_STRING_length(value))));
}

std::string TimeText(const ASN1_TIME* time) {
  tm parts = {};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unknown time";
  return absl::FormatTime("%Y-%m-%d %H:%M UTC",
                          absl::FromTM(parts, absl::UTCTimeZone()),
                          absl::UTCTimeZone());
}

// The common name of a subject or issuer, or the organisation.
std::string NameText(const X509_NAME* name) {
  for (const int field : {NID_commonName, NID_organizationName}) {
    const int at = X509_NAME_get_index_by_NID(name, field, -1);
    if (at < 0) continue;
    return Text(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  }
  return "an issuer without a name";
}

std::string AddressText(const ASN1_OCTET_STRING* address) {
  const unsigned char* const bytes = ASN1_STRING_get0_data(address);
  const int family = ASN1_STRING_length(address) == 4 ? AF_INET : AF_INET6;
  char text[INET6_ADDRSTRLEN];
  if (family == AF_INET6 && ASN1_STRING_length(address) != 16) return "?";
  return inet_ntop(family, bytes, text, sizeof(text)) == nullptr ? "?" : text;
}

// Whom a certificate is for. Its common name does not count (RFC 9525, 2).
std::string SubjectNames(X509* certificate) {
  std::vector<std::string> names;
  auto* const list = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(list); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(list, i);
    if (name->type == GEN_DNS) names.push_back(Text(name->d.dNSName));
    if (name->type == GEN_IPADD) {
      names.push_back(AddressText(name->d.iPAddress));
    }
  }
  GENERAL_NAMES_free(list);
  const size_t more = names.size() - std::min(names.size(), kMaxNamesShown);
  names.resize(names.size() - more);
  return absl::StrCat(
      absl::StrJoin(names, ", "),
      more == 0 ? "" : absl::StrCat(" and ", more, " other names"));
}

// What is wrong with a certificate of `host`, and what to do.
std::string CertificateProblem(const std::string& host, int error,
                               X509* certificate) {
  const std::string whose = absl::StrCat("the certificate of ", host);
  if (certificate == nullptr) {
    return absl::StrCat(whose,
                        " was refused: ", X509_verify_cert_error_string(error));
  }
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return absl::StrCat(whose, " expired on ",
                          TimeText(X509_get0_notAfter(certificate)),
                          "; whoever runs the server must renew it, unless the "
                          "clock of this device is wrong");
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return absl::StrCat(whose, " is not valid before ",
                          TimeText(X509_get0_notBefore(certificate)),
                          "; the clock of this device may be wrong");
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: {
      const std::string names = SubjectNames(certificate);
      if (names.empty()) {
        return absl::StrCat(whose,
                            " names no host (it has no subjectAltName); "
                            "whoever runs the server must replace it");
      }
      return absl::StrCat(whose, " is for another name: ", names,
                          "; check the host in server_url");
    }
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return absl::StrCat(whose,
                          " is self-signed, so nobody vouches for it; if it is "
                          "the right one, name it in server.ca_file");
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return absl::StrCat(whose, " was issued by \"",
                          NameText(X509_get_issuer_name(certificate)),
                          "\", a CA that is not trusted here; if it is yours, "
                          "name its certificate in server.ca_file");
    default:
      return absl::StrCat(
          whose, " was refused: ", X509_verify_cert_error_string(error));
  }
}

int KeepVerdict(int verdict, X509_STORE_CTX*) { return verdict; }

}  // namespace

absl::StatusOr<std::unique_ptr<TlsClient>> TlsClient::Create(
    const std::string& ca_file) {
  std::unique_ptr<TlsClient> client(new TlsClient());
  client->context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* const context = client->context_.get();
  if (context == nullptr ||
      SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) {
    return absl::InternalError(
        absl::StrCat("cannot set up TLS: ", ReasonOf(ERR_get_error())));
  }
  client->system_trust_ = ca_file.empty();
  if (!ca_file.empty()) {
    ERR_clear_error();
    if (SSL_CTX_load_verify_file(context, ca_file.c_str()) != 1) {
      return absl::InvalidArgumentError(absl::StrCat(
          "cannot use the CA file ", ca_file, ": ", ReasonOf(ERR_peek_error()),
          "; it must hold one or more certificates as PEM"));
    }
    client->trust_loaded_ = true;
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  // libwebsockets repeats a write that must wait from another buffer.
  SSL_CTX_set_mode(
      context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  // A reconnect proves anew who the server is.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_app_data(context, client.get());
  SSL_CTX_set_cert_verify_callback(context, &TlsClient::VerifyCertificate,
                                   client.get());
  SSL_CTX_set_info_callback(context, &TlsClient::OnProgress);
  return client;
}

void TlsClient::Expect(const std::string& host) {
  host_ = host;
  host_is_address_ = IsNumericAddress(host);
  failure_.clear();
  if (trust_loaded_) return;
  // Some megabytes, which a server without TLS does not need.
  SSL_CTX_set_default_verify_paths(context_.get());
  trust_loaded_ = true;
}

int TlsClient::VerifyCertificate(X509_STORE_CTX* store, void* self) {
  TlsClient* const client = static_cast<TlsClient*>(self);
  X509_VERIFY_PARAM* const wanted = X509_STORE_CTX_get0_param(store);
  // What libwebsockets made of the name goes first.
  bool ready = X509_VERIFY_PARAM_set1_host(wanted, nullptr, 0) == 1 &&
               X509_VERIFY_PARAM_set1_ip(wanted, nullptr, 0) == 1;
  X509_VERIFY_PARAM_set_hostflags(wanted,
                                  X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                      X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  const std::string& host = client->host_;
  ready = ready && (client->host_is_address_
                        ? X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str())
                        : X509_VERIFY_PARAM_set1_host(wanted, host.data(),
                                                      host.size())) == 1;
  if (!ready || host.empty()) {
    X509_STORE_CTX_set_error(store, X509_V_ERR_UNSPECIFIED);
    client->failure_ = absl::StrCat("cannot check the certificate of ", host);
    return 0;
  }
  X509_STORE_CTX_set_verify_cb(store, &KeepVerdict);
  if (X509_verify_cert(store) == 1) return 1;
  client->failure_ = CertificateProblem(host, X509_STORE_CTX_get_error(store),
                                        X509_STORE_CTX_get_current_cert(store));
  return 0;
}

void TlsClient::OnProgress(const SSL* ssl, int where, int result) {
  auto* const client =
      static_cast<TlsClient*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  if (where == SSL_CB_HANDSHAKE_START) {
    // The name as it is; an address is none (RFC 6066, 3). This comes before
    // the first message is made.
    SSL_ctrl(const_cast<SSL*>(ssl), SSL_CTRL_SET_TLSEXT_HOSTNAME,
             TLSEXT_NAMETYPE_host_name,
             client->host_is_address_ ? nullptr : &client->host_[0]);
  } else if (where == SSL_CB_CONNECT_EXIT && result <= 0) {
    client->NoteFailure(ERR_peek_error());
  }
}

void TlsClient::NoteFailure(unsigned long error) {
  // Most exits only wait for the network, without an error.
  if (ERR_GET_LIB(error) != ERR_LIB_SSL || !failure_.empty()) return;
  switch (ERR_GET_REASON(error)) {
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      return;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_VERSION_TOO_LOW:
      failure_ = absl::StrCat(
          host_,
          " speaks neither TLS 1.2 nor 1.3, only older versions, which are not "
          "safe; whoever runs the server must enable TLS 1.2");
      return;
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
      failure_ = absl::StrCat(host_,
                              " does not speak TLS at this port; check "
                              "server_url, or use http:// if it is meant");
      return;
    default:
      failure_ = absl::StrCat("TLS with ", host_, " failed: ", ReasonOf(error));
  }
}

}  // namespace parley::transport
