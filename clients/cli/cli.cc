#include "clients/cli/cli.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "clients/cli/context.h"
#include "clients/cli/humane.h"
#include "clients/cli/nearest.h"
#include "clients/cli/verb.h"
#include "clients/cli/version.h"
#include "clients/cpp/client.h"

namespace parley::cli {
namespace {

constexpr absl::Duration kDefaultTimeout = absl::Seconds(10);

constexpr char kFooter[] =
    "A verb's own help has an example: 'parleyctl message send --help'.\n"
    "\n"
    "Exit codes: 0 done, 1 refused, 2 wrong command line, 3 no daemon, 4 "
    "credentials\nneeded, 5 limit reached, 6 timed out, 7 not found, 8 "
    "conflict.";

// The options of all verbs.
struct Globals {
  std::string profile = std::string(client::kDefaultProfile);
  std::string socket;
  std::string output = "table";
  bool json = false;
  absl::Duration timeout;  // zero: not given
};

void AddGlobals(CLI::App* app, Globals* globals) {
  CLI::Option* profile =
      app->add_option("--profile", globals->profile,
                      "the profile of the daemon to talk to (default: default)")
          ->type_name("NAME");
  app->add_option("--socket", globals->socket,
                  "the path of its socket, instead of a profile")
      ->type_name("PATH")
      ->check([](const std::string& path) {
        return path.empty() ? "the path is empty" : "";
      })
      ->excludes(profile);
  CLI::Option* output =
      app->add_option("--output", globals->output,
                      "table, json, or jsonl: a list as one object an item")
          ->type_name("FORMAT")
          ->check(CLI::IsMember({"table", "json", "jsonl"}));
  app->add_flag("--json", globals->json, "the same as --output json")
      ->excludes(output);
  AddDurationOption(app, "--timeout", &globals->timeout,
                    "how long the daemon may take to answer (default: 10s)");
}

// CLI11's help without what descriptions say already.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() { label("SUBCOMMAND", "VERB"); }

  std::string make_option_opts(const CLI::Option* option) const override {
    // The type may be followed by a colon and its checks.
    std::string type = option->get_type_name();
    type.resize(std::min(type.find(':'), type.size()));
    return absl::StrCat(type.empty() ? "" : " ", type,
                        option->get_required() ? " (required)" : "");
  }
};

// The noun or verb that was named last; the program itself if none was.
const CLI::App* Innermost(const CLI::App& app) {
  const CLI::App* innermost = &app;
  while (!innermost->get_subcommands().empty()) {
    innermost = innermost->get_subcommands().back();
  }
  return innermost;
}

// "parleyctl message send".
std::string FullName(const CLI::App* app) {
  std::string name = app->get_name();
  for (app = app->get_parent(); app != nullptr; app = app->get_parent()) {
    name = absl::StrCat(app->get_name(), " ", name);
  }
  return name;
}

// What may follow where `word` was read: other words, or options.
std::vector<std::string> Candidates(const CLI::App* app,
                                    const std::string& word) {
  std::vector<std::string> names;
  if (!absl::StartsWith(word, "-")) {
    for (const CLI::App* child : app->get_subcommands({})) {
      names.push_back(child->get_name());
    }
    return names;
  }
  for (; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        names.push_back("--" + name);
      }
    }
  }
  return names;
}

// What is wrong with a command line, on one line, and where to read more.
std::string ExplainParseError(const CLI::App& app,
                              const CLI::ParseError& error) {
  const CLI::App* where = Innermost(app);
  const std::vector<std::string> rest = app.remaining(/*recurse=*/true);
  const auto is = [&error](CLI::ExitCodes code) {
    return error.get_exit_code() == static_cast<int>(code);
  };
  const bool lacks_verb = is(CLI::ExitCodes::RequiredError) &&
                          where->get_require_subcommand_min() > 0;
  std::string what;
  if (!rest.empty() && (lacks_verb || is(CLI::ExitCodes::ExtrasError))) {
    const std::string& word = rest.front();
    what = absl::StrCat("unknown ",
                        absl::StartsWith(word, "-") ? "option"
                        : lacks_verb                ? "verb"
                                                    : "argument",
                        " '", word, "'");
    const std::optional<std::string> nearest =
        Nearest(word, Candidates(where, word));
    if (nearest.has_value()) absl::StrAppend(&what, ", '", *nearest, "'?");
  } else if (lacks_verb) {
    std::vector<std::string> names = Candidates(where, "");
    what =
        absl::StrCat("a verb is missing, one of ", absl::StrJoin(names, ", "));
  } else {
    what = absl::StrReplaceAll(error.what(), {{"\n", " "}});
  }
  return absl::StrCat(what, "; see '", FullName(where), " --help'");
}

absl::Status CheckUtf8(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    if (!IsUtf8(argument)) {
      return absl::InvalidArgumentError(
          absl::StrCat("the argument '", argument, "' is no UTF-8"));
    }
  }
  return absl::OkStatus();
}

OutputFormat FormatOf(const Globals& globals) {
  if (globals.json || globals.output == "json") return OutputFormat::kJson;
  return globals.output == "jsonl" ? OutputFormat::kJsonLines
                                   : OutputFormat::kTable;
}

bool UseColor(const Environment& environment) {
  const std::string term = environment.getenv("TERM");
  return environment.out_is_terminal &&
         environment.getenv("NO_COLOR").empty() && !term.empty() &&
         term != "dumb";
}

int RunCommand(const Command& command, const Globals& globals,
               const Environment& environment) {
  Output out(environment.out, environment.err, FormatOf(globals),
             UseColor(environment));
  client::ClientOptions options;
  options.profile = globals.profile;
  options.socket_path = globals.socket;
  if (options.socket_path.empty()) {
    const absl::StatusOr<std::string> path = client::ProfileSocketPath(
        globals.profile, environment.getenv("XDG_RUNTIME_DIR"));
    if (!path.ok()) {
      out.Note(absl::StrCat("cannot find the daemon: ", path.status().message(),
                            " (--socket PATH)"));
      // What is wrong is the command line, or what surrounds it.
      return path.status().code() == absl::StatusCode::kInvalidArgument
                 ? kUsage
                 : kUnreachable;
    }
    options.socket_path = *path;
  }
  const auto client = client::Client::Open(options);
  if (!client.ok()) {
    out.Note(client.status().message());
    return kUsage;
  }
  const bool limited = globals.timeout > absl::ZeroDuration();
  const absl::Duration timeout = limited ? globals.timeout : kDefaultTimeout;
  const absl::Time deadline = absl::Now() + timeout;
  Context context = {**client,
                     out,
                     *environment.in,
                     globals.profile,
                     timeout,
                     deadline,
                     limited ? deadline : absl::InfiniteFuture(),
                     environment.zone};
  const ExitCode code = command(context);
  if (!out.good()) {
    out.Note("cannot write to stdout");
    return code == kDone ? kRefused : code;
  }
  return code;
}

}  // namespace

int Run(const std::vector<std::string>& arguments,
        const Environment& environment) {
  CLI::App app("Inspects and drives parleyd, the daemon of this device.",
               "parleyctl");
  Globals globals;
  Command command;
  app.formatter(std::make_shared<HelpFormatter>());
  app.fallthrough();
  app.require_subcommand(1);
  app.set_version_flag("--version", absl::StrCat("parleyctl ", kVersion));
  app.footer(kFooter);
  AddGlobals(&app, &globals);
  AddStatusCommands(&app, &command);
  AddAuthCommands(&app, &command);
  AddHealthCommand(&app, &command);
  AddRoomCommands(&app, &command);
  AddMessageCommands(&app, &command);
  AddOutboxCommands(&app, &command);
  AddSyncCommands(&app, &command);
  AddWatchCommand(&app, &command);

  Output talk(environment.out, environment.err, OutputFormat::kTable, false);
  const absl::Status utf8 = CheckUtf8(arguments);
  if (!utf8.ok()) {
    talk.Note(utf8.message());
    return kUsage;
  }
  try {
    // CLI11 takes the arguments from the back.
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::Success& help_or_version) {
    app.exit(help_or_version, *environment.out, *environment.err);
    return environment.out->flush().good() ? kDone : kRefused;
  } catch (const CLI::ParseError& error) {
    talk.Note(ExplainParseError(app, error));
    return kUsage;
  }
  return RunCommand(command, globals, environment);
}

}  // namespace parley::cli
