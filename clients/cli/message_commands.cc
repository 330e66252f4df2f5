#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cli/humane.h"
#include "clients/cli/message_text.h"
#include "clients/cli/send_wait.h"
#include "clients/cli/verb.h"

namespace parley::cli {
namespace {

using Stub = v1::MessageService::StubInterface;

// Far above what the daemon takes; it says what that is.
constexpr size_t kMaxStdinBytes = 1024 * 1024;
constexpr int kDefaultMessages = 50;
constexpr int kMaxPageSize = 1000;

struct SendOptions {
  v1::SendMessageRequest request;
  absl::Duration expire_after;
  std::string wait;  // "sent" or empty
};

ExitCode Send(SendOptions options, Context& context) {
  v1::SendMessageRequest& request = options.request;
  const std::string doing =
      absl::StrCat("send to room \"", request.room(), "\"");
  if (request.text() == "-" &&
      !context.ReadStdin(kMaxStdinBytes, request.mutable_text())) {
    context.out.Note(absl::StrCat("cannot ", doing, ": stdin has more than ",
                                  HumaneBytes(kMaxStdinBytes),
                                  "; attach a file instead of its text"));
    return kLimitReached;
  }
  if (!IsUtf8(request.text())) {
    context.out.Note(absl::StrCat("cannot ", doing, ": stdin is no UTF-8"));
    return kUsage;
  }
  if (options.expire_after > absl::ZeroDuration()) {
    *request.mutable_expire_after() = ToProto(options.expire_after);
  }
  v1::SendMessageResponse response;
  const grpc::Status status = context.Call(
      &Stub::SendMessage, context.client.messages(), request, &response);
  if (!status.ok()) return context.Fail(doing, status);

  request.set_client_message_id(response.client_message_id());
  // The id first: it is what the caller needs if the wait is cut short.
  if (!context.out.is_json()) {
    context.out.Line({response.client_message_id()});
  }
  const ExitCode code =
      options.wait.empty() ? kDone : AwaitOutcome(request, context, &response);
  if (context.out.is_json()) context.out.Json(response);
  return code;
}

struct ListOptions {
  v1::ListMessagesRequest request;
  int number = kDefaultMessages;
};

// Asks for pages until there are as many as were asked for. A page may be cut
// short by its size.
grpc::Status Fetch(const ListOptions& options, Context& context,
                   v1::ListMessagesResponse* all) {
  v1::ListMessagesRequest request = options.request;
  std::vector<v1::Message> messages;
  const bool forward = !request.after_message_id().empty();
  do {
    request.set_page_size(options.number - static_cast<int>(messages.size()));
    v1::ListMessagesResponse page;
    grpc::Status status = context.Call(
        &Stub::ListMessages, context.client.messages(), request, &page);
    if (!status.ok()) return status;
    messages.insert(forward ? messages.end() : messages.begin(),
                    std::make_move_iterator(page.mutable_messages()->begin()),
                    std::make_move_iterator(page.mutable_messages()->end()));
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty() &&
           static_cast<int>(messages.size()) < options.number);
  for (v1::Message& message : messages) {
    *all->add_messages() = std::move(message);
  }
  all->set_next_page_token(request.page_token());
  return grpc::Status::OK;
}

ExitCode List(const ListOptions& options, Context& context) {
  v1::ListMessagesResponse all;
  const grpc::Status status = Fetch(options, context, &all);
  if (!status.ok()) {
    return context.Fail(absl::StrCat("list the messages of room \"",
                                     options.request.room(), "\""),
                        status);
  }
  if (context.out.format() == OutputFormat::kJson) {
    context.out.Json(all);
  } else if (context.out.format() == OutputFormat::kJsonLines) {
    for (const v1::Message& message : all.messages()) context.out.Json(message);
  } else if (all.messages().empty()) {
    context.out.Note(
        absl::StrCat("no messages in room \"", options.request.room(), "\""));
  } else {
    std::vector<std::vector<Cell>> rows;
    for (const v1::Message& message : all.messages()) {
      rows.push_back({context.Format(message.sent_at()),
                      message.sender().empty() ? "-" : message.sender(),
                      DeliveryCell(message.delivery_state()),
                      message.message_id().empty() ? message.client_message_id()
                                                   : message.message_id(),
                      DescribeText(message)});
    }
    context.out.Table({"TIME", "FROM", "STATE", "ID", "TEXT"}, rows);
  }
  return kDone;
}

void AddSend(CLI::App* message, Command* chosen) {
  CLI::App* verb =
      AddVerb(message, "send",
              "Queue a message and print its client message id; it is sent "
              "when the daemon is connected",
              "parleyctl message send --room general --text 'Hello, Bob'\n  "
              "git log -1 | parleyctl message send --room general --text -");
  const auto options = std::make_shared<SendOptions>();
  v1::SendMessageRequest* request = &options->request;
  AddRoomOption(verb, request->mutable_room())->required();
  verb->add_option("--text", *request->mutable_text(),
                   "what to say; - reads it from stdin")
      ->type_name("TEXT")
      ->required();
  verb->add_option("--client-message-id", *request->mutable_client_message_id(),
                   "name of the message; sending again under the same name "
                   "sends it once")
      ->type_name("ID");
  verb->add_option("--reply-to", *request->mutable_reply_to(),
                   "the message that it answers")
      ->type_name("ID");
  verb->add_option("--thread", *request->mutable_thread(),
                   "the thread of the room")
      ->type_name("ID");
  AddDurationOption(verb, "--expire-after", &options->expire_after,
                    "give up when it was not sent by then");
  verb->add_option(
          "--wait", options->wait,
          "end when it is 'sent': the server has it; 4 when that takes a "
          "token, without an end unless --timeout is given")
      ->type_name("STATE")
      ->check(CLI::IsMember({"sent"}));
  verb->callback([chosen, options] {
    *chosen = [options](Context& context) { return Send(*options, context); };
  });
}

void AddList(CLI::App* message, Command* chosen) {
  CLI::App* verb = AddVerb(
      message, "list", "The newest messages of a room that this device knows",
      "parleyctl message list --room general --page-size 20");
  const auto options = std::make_shared<ListOptions>();
  AddRoomOption(verb, options->request.mutable_room())->required();
  verb->add_option("--page-size", options->number,
                   "how many at most (default 50)")
      ->type_name("N")
      ->check(CLI::Range(1, kMaxPageSize));
  CLI::Option* before =
      verb->add_option("--before",
                       *options->request.mutable_before_message_id(),
                       "only those before this message")
          ->type_name("ID");
  verb->add_option("--after", *options->request.mutable_after_message_id(),
                   "only those after this message, oldest first")
      ->type_name("ID")
      ->excludes(before);
  verb->callback([chosen, options] {
    *chosen = [options](Context& context) { return List(*options, context); };
  });
}

}  // namespace

void AddMessageCommands(CLI::App* app, Command* chosen) {
  CLI::App* message = AddNoun(app, "message", "Send and list messages");
  AddSend(message, chosen);
  AddList(message, chosen);
}

}  // namespace parley::cli
