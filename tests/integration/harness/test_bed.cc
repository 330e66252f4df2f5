#include "tests/integration/harness/test_bed.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"

namespace parley::integration {
namespace {

constexpr size_t kMaxLogLines = 100;

// RocksDB's logs, which have the same ending, are for nobody to read.
bool IsLog(const std::filesystem::path& path) {
  if (path.parent_path().filename() == "store") return false;
  return path.extension() == ".log" || path.extension() == ".err";
}

}  // namespace

TestBed::TestBed(std::vector<std::string> server_flags)
    : server_(dir_.path(), std::move(server_flags)) {}

TestBed::~TestBed() {
  daemons_.clear();
  server_.Kill();
  if (testing::Test::HasFailure()) PrintLogs();
}

Daemon& TestBed::AddDaemon(const std::string& user, const std::string& name) {
  const std::string dir =
      absl::StrCat(dir_.path(), "/", name.empty() ? user : name);
  std::filesystem::create_directory(dir);
  Daemon::Options options;
  options.server_url = server_.url();
  std::string& token = tokens_[user];
  if (token.empty()) {
    const absl::StatusOr<std::string> made = RealtimeServer::Token(user);
    if (made.ok()) {
      token = *made;
    } else {
      ADD_FAILURE() << "no token for " << user << ": " << made.status();
    }
  }
  options.token = token;
  daemons_.push_back(std::make_unique<Daemon>(dir, std::move(options)));
  return *daemons_.back();
}

void TestBed::PrintLogs() const {
  std::error_code ignored;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(dir_.path(), ignored)) {
    if (!IsLog(entry.path())) continue;
    const std::string text = ReadTextFile(entry.path().string());
    std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
    const size_t skipped = lines.size() - std::min(lines.size(), kMaxLogLines);
    lines.erase(lines.begin(), lines.begin() + static_cast<ptrdiff_t>(skipped));
    std::cerr << "--- " << entry.path().string();
    if (skipped > 0) std::cerr << ", without its first " << skipped << " lines";
    std::cerr << "\n" << absl::StrJoin(lines, "\n") << "\n";
  }
}

bool WaitForConnection(Daemon& daemon, const std::string& state,
                       absl::Duration timeout) {
  const std::string wanted = absl::StrCat("CONNECTION_STATE_", state);
  const absl::Time deadline = absl::Now() + timeout;
  while (absl::Now() < deadline) {
    grpc::ClientContext call;
    call.set_deadline(absl::ToChronoTime(deadline));
    call.set_wait_for_ready(true);
    const auto reader =
        daemon.client().daemon().WatchStatus(&call, v1::WatchStatusRequest());
    v1::WatchStatusResponse response;
    while (reader->Read(&response)) {
      for (const v1::DaemonStatus& status : response.updates()) {
        if (v1::ConnectionState_Name(status.connection().state()) == wanted) {
          call.TryCancel();
          reader->Finish();
          return true;
        }
      }
    }
    // A stream that ended with its daemon is begun again; any other end is an
    // answer.
    if (reader->Finish().error_code() != grpc::StatusCode::UNAVAILABLE) break;
  }
  return false;
}

}  // namespace parley::integration
