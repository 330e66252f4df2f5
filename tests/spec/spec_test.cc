// Every script, on every kind of disk, with exactly the expected output; and
// again with a crash at every point where one can be told from another.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "tests/spec/crash_run.h"
#include "tests/spec/script.h"
#include "tests/spec/spec_case.h"
#include "tests/spec/spec_disk.h"

namespace parley::spec {
namespace {

constexpr char kFolder[] = "tests/spec/cases";

std::vector<SpecCase> AllCases() {
  std::vector<SpecCase> all;
  for (const std::string& file : CaseFiles(kFolder)) {
    auto cases = ReadCases(file);
    EXPECT_TRUE(cases.ok()) << cases.status();
    if (!cases.ok()) continue;
    all.insert(all.end(), cases->begin(), cases->end());
  }
  EXPECT_GE(all.size(), 180u);
  return all;
}

void PlayAndCompare(const SpecCase& spec, SpecDisk* disk) {
  Script script(spec, disk);
  for (size_t i = 0; i < spec.steps.size(); ++i) {
    const Json& step = spec.steps[i];
    SCOPED_TRACE(absl::StrCat("step ", i + 1, ": ", step.dump()));
    const absl::Status status = script.Play(step);
    ASSERT_TRUE(status.ok()) << status;
    const std::vector<std::string> expected =
        step.contains("expect") ? step["expect"].get<std::vector<std::string>>()
                                : std::vector<std::string>();
    EXPECT_EQ(absl::StrJoin(script.TakeOutput(), "\n"),
              absl::StrJoin(expected, "\n"));
    EXPECT_EQ(script.verdict().failure(), "");
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(SpecTest, OnTheMemoryStore) {
  for (const SpecCase& spec : AllCases()) {
    SCOPED_TRACE(absl::StrCat(spec.file, ": ", spec.name));
    PlayAndCompare(spec, MakeMemoryDisk().get());
  }
}

TEST(SpecTest, OnRocksDb) {
  for (const SpecCase& spec : AllCases()) {
    SCOPED_TRACE(absl::StrCat(spec.file, ": ", spec.name));
    PlayAndCompare(spec, MakeRocksDbDisk().get());
  }
}

class CrashTest : public ::testing::TestWithParam<bool> {};

// A long case repeats itself: some points are enough, spread over it.
constexpr int kManyPoints = 200;
constexpr int kEnoughPoints = 40;

void CrashEverywhere(const SpecCase& spec, CrashPoint::After after, int points,
                     bool power_cut) {
  const int stride = points > kManyPoints ? points / kEnoughPoints : 1;
  for (int number = 1; number <= points; number += stride) {
    EXPECT_EQ(RunWithCrash(spec, {after, number}, power_cut), "")
        << spec.file << ": " << spec.name << ": crash after "
        << (after == CrashPoint::After::kCommit ? "commit " : "effect ")
        << number << (power_cut ? ", power cut" : ", killed");
  }
}

TEST_P(CrashTest, AfterEachCommitAndEffect) {
  int runs = 0;
  for (const SpecCase& spec : AllCases()) {
    const CrashPoints points = CountCrashPoints(spec);
    CrashEverywhere(spec, CrashPoint::After::kCommit, points.commits,
                    GetParam());
    CrashEverywhere(spec, CrashPoint::After::kEffect, points.effects,
                    GetParam());
    runs += points.commits + points.effects;
  }
  EXPECT_GT(runs, 3000);
}

INSTANTIATE_TEST_SUITE_P(Crashes, CrashTest, ::testing::Bool(),
                         [](const auto& info) {
                           return info.param ? "PowerCut" : "Kill";
                         });

}  // namespace
}  // namespace parley::spec
