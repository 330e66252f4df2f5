#include "clients/cli/verb.h"

#include "clients/cli/humane.h"

namespace parley::cli {
namespace {

// Their heading in the help.
constexpr char kVerbs[] = "Verbs";

}  // namespace

CLI::App* AddVerb(CLI::App* parent, const std::string& name,
                  const std::string& description, const std::string& example) {
  CLI::App* verb = parent->add_subcommand(name, description)->group(kVerbs);
  verb->footer("Example:\n  " + example +
               "\n\nOptions for all verbs: see 'parleyctl --help'");
  return verb;
}

CLI::App* AddNoun(CLI::App* parent, const std::string& name,
                  const std::string& description) {
  CLI::App* noun = parent->add_subcommand(name, description)->group(kVerbs);
  noun->require_subcommand(1);
  return noun;
}

CLI::Option* AddDurationOption(CLI::App* verb, const std::string& name,
                               absl::Duration* value,
                               const std::string& description) {
  return verb
      ->add_option_function<std::string>(
          name,
          [name, value](const std::string& text) {
            const absl::StatusOr<absl::Duration> parsed = ParseDuration(text);
            if (!parsed.ok()) {
              throw CLI::ValidationError(
                  name, std::string(parsed.status().message()));
            }
            *value = *parsed;
          },
          description)
      ->type_name("DURATION");
}

CLI::Option* AddRoomOption(CLI::App* verb, std::string* room) {
  return verb->add_option("--room", *room, "the room's name")
      ->type_name("ROOM");
}

}  // namespace parley::cli
