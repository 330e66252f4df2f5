#include "tests/integration/plugin_frames.h"

#include <fstream>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "clients/cpp/testing/temp_dir.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::integration {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kConnect[] = R"(40{"token":"a.b.c"})";
constexpr char kReady[] = R"(42["connected",{"protocolVersion":"1.0"}])";

class Session {
 public:
  Session& Client(const std::string& frame, const std::string& of = "c") {
    frames_.push_back({absl::UnixEpoch(), of, true, frame});
    return *this;
  }
  Session& Server(const std::string& frame, const std::string& to = "c") {
    frames_.push_back({absl::UnixEpoch(), to, false, frame});
    return *this;
  }
  std::vector<std::string> Offences() const { return FindOffences(frames_); }

 private:
  std::vector<RecordedFrame> frames_;
};

std::string Send(int ack, const std::string& room) {
  return "42" + std::to_string(ack) + R"(["message:send",{"roomName":")" +
         room + R"(","content":"[x]"}])";
}

TEST(FindOffencesTest, NoneInAGoodSession) {
  EXPECT_THAT(Session()
                  .Server("0{}")
                  .Client(kConnect)
                  .Server("40{}")
                  .Server(kReady)
                  .Client(Send(0, "r"))
                  .Client(Send(1, "other"))
                  .Server(R"(430[{"success":true}])")
                  .Client(Send(2, "r"))
                  .Server("2")
                  .Client("3")
                  .Client("41")
                  .Offences(),
              IsEmpty());
}

TEST(FindOffencesTest, EachOfThem) {
  EXPECT_THAT(Session().Client(kConnect).Client(Send(0, "r")).Offences(),
              ElementsAre(HasSubstr("before connected")));
  // Connections are told apart.
  EXPECT_THAT(Session().Server(kReady, "d").Client(Send(0, "r")).Offences(),
              ElementsAre(HasSubstr("before connected")));
  EXPECT_THAT(Session()
                  .Server(kReady)
                  .Client(Send(0, "r"))
                  .Client(Send(1, "r"))
                  .Offences(),
              ElementsAre(HasSubstr("two messages of a room")));
  EXPECT_THAT(Session()
                  .Server(kReady)
                  .Client(R"(42["message:send",{"roomName":"r"}])")
                  .Offences(),
              ElementsAre(HasSubstr("without an ack id")));
  EXPECT_THAT(Session().Client(kConnect).Client(kConnect).Offences(),
              ElementsAre(HasSubstr("a second CONNECT")));
  EXPECT_THAT(Session().Client("2").Offences(),
              ElementsAre(HasSubstr("no client sends")));
  EXPECT_THAT(
      Session().Server(kReady).Client(R"(42["typing:start"])").Offences(),
      ElementsAre(HasSubstr("a fatal frame: typing:start")));
}

TEST(ReadFramesTest, ReadsWhatTheServerWrites) {
  const client::TempDir dir;
  const std::string path = dir.path() + "/frames";
  std::ofstream(path)
      << R"({"time":1000,"connection":"c","from":"client","frame":"3"})"
         "\n"
      << R"({"time":2000,"connection":"c","from":"server","binary":"eA=="})"
         "\n"
      << R"({"time":3000,"conn)";
  const std::vector<RecordedFrame> frames = ReadFrames(path);
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].time, absl::FromUnixMillis(1000));
  EXPECT_EQ(frames[0].connection, "c");
  EXPECT_TRUE(frames[0].from_client);
  EXPECT_EQ(frames[0].frame, "3");
  EXPECT_FALSE(frames[1].from_client);
  EXPECT_EQ(frames[1].frame, "");
  EXPECT_THAT(ReadFrames(dir.path() + "/none"), IsEmpty());
}

}  // namespace
}  // namespace parley::integration
