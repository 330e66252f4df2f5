#ifndef DAEMON_RPC_CONNECTION_REFUSAL_H_
#define DAEMON_RPC_CONNECTION_REFUSAL_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace parley::rpc {

// Tells a gRPC client that its connection is refused, and why, without letting
// gRPC see one of its bytes: the answer to every call is a canned error.
//
// Of HTTP/2 it reads just enough to learn which streams the client has opened:
// the preface, then the nine bytes that lead each frame. Nothing is decoded,
// nothing is kept.
//
//   PREFACE --24 bytes--> HEADER --9 bytes--> PAYLOAD (skipped) --> HEADER ...
//      '------ anything else, too many bytes, too many calls -----> DONE
//
// Sans-IO and single-threaded.
class ConnectionRefusal {
 public:
  // What a client that is refused may still send.
  static constexpr size_t kMaxBytes = 64 * 1024;
  static constexpr int kMaxCalls = 16;

  explicit ConnectionRefusal(const absl::Status& reason);

  // What to write first of all.
  std::string Greeting() const;

  // Takes what was read, and returns what to write.
  std::string Feed(absl::string_view bytes);

  // Nothing more is to be said: close the connection.
  bool done() const { return done_; }

 private:
  // Takes up to `wanted` bytes in all into partial_; true once they are there.
  bool Collect(size_t wanted, absl::string_view* bytes);
  std::string OnFrameHeader();

  const std::string trailers_;  // the HPACK block that ends a call
  std::string partial_;
  bool preface_read_ = false;
  size_t payload_left_ = 0;
  size_t bytes_read_ = 0;
  int calls_ = 0;
  bool done_ = false;
};

}  // namespace parley::rpc

#endif  // DAEMON_RPC_CONNECTION_REFUSAL_H_
