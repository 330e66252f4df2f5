#include "clients/cli/message_text.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/cli/humane.h"

namespace parley::cli {
namespace {

template <typename MessageOrEntry>
std::string Describe(const MessageOrEntry& message) {
  if (!message.text().empty() || message.attachments().empty()) {
    return message.text();
  }
  std::string text = absl::StrCat("[", message.attachments(0).name(), "]");
  if (message.attachments_size() > 1) {
    absl::StrAppend(&text, " and ", message.attachments_size() - 1, " more");
  }
  return text;
}

}  // namespace

Cell DeliveryCell(v1::DeliveryState state) {
  if (state == v1::DELIVERY_STATE_UNSPECIFIED) return Cell("");
  std::string word = EnumWord(v1::DeliveryState_Name(state), "DELIVERY_STATE_");
  switch (state) {
    case v1::DELIVERY_STATE_PENDING:
    case v1::DELIVERY_STATE_SENDING:
      return Cell(std::move(word), Style::kBusy);
    case v1::DELIVERY_STATE_FAILED:
      return Cell(std::move(word), Style::kBad);
    default:
      return Cell(std::move(word), Style::kGood);
  }
}

Cell OutboxCell(v1::OutboxState state) {
  return Cell(EnumWord(v1::OutboxState_Name(state), "OUTBOX_STATE_"),
              state == v1::OUTBOX_STATE_FAILED ? Style::kBad : Style::kBusy);
}

std::string DescribeFailure(const v1::OutboxEntry& entry) {
  std::string text;
  if (entry.failure_reason() != v1::FAILURE_REASON_UNSPECIFIED) {
    text = EnumWord(v1::FailureReason_Name(entry.failure_reason()),
                    "FAILURE_REASON_");
  }
  for (const std::string* part :
       {&entry.last_error_code(), &entry.last_error_message()}) {
    if (!part->empty()) {
      absl::StrAppend(&text, text.empty() ? "" : ": ", *part);
    }
  }
  return text;
}

std::string DescribeText(const v1::Message& message) {
  return Describe(message);
}

std::string DescribeText(const v1::OutboxEntry& entry) {
  return Describe(entry);
}

}  // namespace parley::cli
