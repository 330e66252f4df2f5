#ifndef CLIENTS_CLI_VERB_H_
#define CLIENTS_CLI_VERB_H_

#include <CLI/CLI.hpp>
#include <string>

#include "absl/time/time.h"
#include "clients/cli/context.h"

// How nouns and verbs are declared on the command line. Each file of verbs
// has one Add function; parsing puts the verb that was named into `*chosen`.
namespace parley::cli {

// A verb. `example` is shown in its help.
CLI::App* AddVerb(CLI::App* parent, const std::string& name,
                  const std::string& description, const std::string& example);

// A word that verbs follow.
CLI::App* AddNoun(CLI::App* parent, const std::string& name,
                  const std::string& description);

// `--name 30s`. `*value` is left as it is when the option is absent.
CLI::Option* AddDurationOption(CLI::App* verb, const std::string& name,
                               absl::Duration* value,
                               const std::string& description);

// The option `--room R`.
CLI::Option* AddRoomOption(CLI::App* verb, std::string* room);

void AddStatusCommands(CLI::App* app, Command* chosen);
void AddAuthCommands(CLI::App* app, Command* chosen);
void AddRoomCommands(CLI::App* app, Command* chosen);
void AddMessageCommands(CLI::App* app, Command* chosen);
void AddOutboxCommands(CLI::App* app, Command* chosen);
void AddSyncCommands(CLI::App* app, Command* chosen);
void AddWatchCommand(CLI::App* app, Command* chosen);
void AddHealthCommand(CLI::App* app, Command* chosen);

}  // namespace parley::cli

#endif  // CLIENTS_CLI_VERB_H_
