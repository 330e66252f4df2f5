#include "tests/integration/harness/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "clients/cpp/testing/temp_dir.h"

namespace parley::integration {
namespace {

CommandLine Shell(const std::string& script) {
  CommandLine command;
  command.arguments = {"/bin/sh", "-c", script};
  command.environment = {"GREETING=hello"};
  return command;
}

TEST(RunToEndTest, GivesCodeAndOutput) {
  CommandLine command = Shell("cat; echo $GREETING; echo talk >&2; exit 7");
  command.stdin_text = "input\n";
  const auto result = RunToEnd(command);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->code, 7);
  EXPECT_EQ(result->out, "input\nhello\n");
  EXPECT_EQ(result->err, "talk\n");
}

TEST(RunToEndTest, KillsWhatTakesTooLong) {
  const auto result = RunToEnd(Shell("echo started; while :; do :; done"),
                               absl::Milliseconds(200));
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(result.status().message(), testing::HasSubstr("started"));
}

TEST(RunToEndTest, SaysWhatCannotBeStarted) {
  CommandLine command;
  command.arguments = {"/no/such/program"};
  EXPECT_THAT(RunToEnd(command).status().message(),
              testing::HasSubstr("/no/such/program"));
}

class ProcessTest : public testing::Test {
 protected:
  std::unique_ptr<Process> Start(const std::string& script,
                                 bool ready_fd = false) {
    auto process = Process::Start(Shell(script), dir_.path() + "/out",
                                  dir_.path() + "/err", ready_fd);
    EXPECT_TRUE(process.ok()) << process.status();
    return *std::move(process);
  }

  client::TempDir dir_;
};

TEST_F(ProcessTest, AppendsToFiles) {
  EXPECT_EQ(Start("echo one")->WaitForExit(), 0);
  EXPECT_EQ(Start("echo two; echo talk >&2")->WaitForExit(), 0);
  EXPECT_EQ(ReadTextFile(dir_.path() + "/out"), "one\ntwo\n");
  EXPECT_EQ(ReadTextFile(dir_.path() + "/err"), "talk\n");
}

TEST_F(ProcessTest, IsKilledWithoutMercy) {
  const auto process =
      Start("trap '' TERM; echo 1 >&3; while :; do :; done", true);
  ASSERT_TRUE(process->WaitReady());
  EXPECT_TRUE(process->IsRunning());
  process->Kill();
  EXPECT_FALSE(process->IsRunning());
  EXPECT_EQ(process->WaitForExit(), 128 + SIGKILL);
  process->Signal(SIGTERM);  // to nobody
}

TEST_F(ProcessTest, GetsSignals) {
  const auto process =
      Start("trap 'exit 5' TERM; echo 1 >&3; while :; do :; done", true);
  ASSERT_TRUE(process->WaitReady());
  process->Signal(SIGTERM);
  EXPECT_EQ(process->WaitForExit(), 5);
}

TEST_F(ProcessTest, IsNotReadyWhenItEnds) {
  EXPECT_FALSE(Start("exit 1", true)->WaitReady());
}

TEST_F(ProcessTest, NamesTheReadyDescriptor) {
  EXPECT_TRUE(Start("echo 1 >&{ready_fd}", true)->WaitReady());
}

}  // namespace
}  // namespace parley::integration
