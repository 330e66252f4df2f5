// Plays the scripts of files, and shows or writes what comes of each step.
//
//   bazel run //tests/spec:spec -- --write $PWD/tests/spec/cases/*.json
//
// What is written was not judged by anybody: read the difference.
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "tests/spec/script.h"
#include "tests/spec/spec_case.h"
#include "tests/spec/spec_disk.h"

namespace parley::spec {
namespace {

absl::Status Record(SpecCase* spec) {
  const auto disk = MakeMemoryDisk();
  Script script(*spec, disk.get());
  for (Json& step : spec->steps) {
    if (absl::Status status = script.Play(step); !status.ok()) {
      return absl::InvalidArgumentError(spec->name + ": " + step.dump() + ": " +
                                        std::string(status.message()));
    }
    step["expect"] = script.TakeOutput();
    if (script.verdict().failed()) {
      return absl::InternalError(spec->name + ": " + step.dump() + ": " +
                                 script.verdict().failure());
    }
  }
  return absl::OkStatus();
}

int RecordFiles(const std::vector<std::string>& files, bool write) {
  int failed = 0;
  for (const std::string& file : files) {
    auto cases = ReadCases(file);
    absl::Status status = cases.status();
    for (size_t i = 0; status.ok() && i < cases->size(); ++i) {
      status = Record(&(*cases)[i]);
    }
    if (!status.ok()) {
      std::cerr << file << ": " << status.message() << "\n";
      failed = 1;
    } else if (write) {
      std::ofstream(file) << WriteCases(*cases);
    } else {
      std::cout << WriteCases(*cases);
    }
  }
  return failed;
}

}  // namespace
}  // namespace parley::spec

// CLI11 throws where an option is declared wrongly: that may end the program.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv) {
  CLI::App app{"Plays spec scripts."};
  std::vector<std::string> files;
  bool write = false;
  app.add_option("files", files, "Files of cases")->required();
  app.add_flag("--write", write, "Write what comes of each step to the files");
  CLI11_PARSE(app, argc, argv);
  return parley::spec::RecordFiles(files, write);
}
