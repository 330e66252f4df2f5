#include "clients/cli/output.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "clients/cli/humane.h"
#include "google/protobuf/util/json_util.h"

namespace parley::cli {
namespace {

constexpr size_t kGap = 2;

std::string ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  std::string json;
  const auto status =
      google::protobuf::util::MessageToJsonString(message, &json, options);
  // A time beyond the year 9999 is the one thing that JSON has no words for.
  return status.ok() ? json : "{}";
}

}  // namespace

Output::Output(std::ostream* out, std::ostream* err, OutputFormat format,
               bool color)
    : out_(out), err_(err), format_(format), color_(color) {}

void Output::Json(const google::protobuf::Message& message) {
  *out_ << ToJson(message) << std::endl;
}

void Output::JsonOfTopic(absl::string_view topic,
                         const google::protobuf::Message& message) {
  const std::string json = ToJson(message);
  *out_ << "{\"topic\":\"" << topic << "\"" << (json == "{}" ? "" : ",")
        << json.substr(1) << std::endl;
}

void Output::Line(const std::vector<Cell>& cells) {
  std::string line;
  for (const Cell& cell : cells) {
    if (cell.text.empty()) continue;
    absl::StrAppend(&line, line.empty() ? "" : " ",
                    Paint(OneLine(cell.text), cell.style));
  }
  *out_ << line << std::endl;
}

void Output::Table(const std::vector<std::string>& headings,
                   const std::vector<std::vector<Cell>>& rows) {
  if (rows.empty()) return;
  std::vector<Cell> first;
  std::vector<size_t> widths;
  for (const std::string& heading : headings) {
    first.emplace_back(heading, Style::kHeading);
    widths.push_back(heading.size());
  }
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], DisplayWidth(OneLine(row[i].text)));
    }
  }
  Row(first, widths);
  for (const auto& row : rows) Row(row, widths);
  out_->flush();
}

void Output::Properties(const std::vector<std::pair<std::string, Cell>>& rows) {
  size_t width = 0;
  for (const auto& [name, value] : rows) width = std::max(width, name.size());
  for (const auto& [name, value] : rows) {
    Row({Cell(name, Style::kHeading), value}, {width, 0});
  }
  out_->flush();
}

void Output::Note(absl::string_view text) {
  *err_ << "parleyctl: " << OneLine(text) << std::endl;
}

std::string Output::Paint(absl::string_view text, Style style) const {
  if (!color_ || style == Style::kPlain) return std::string(text);
  const char* code = style == Style::kHeading ? "1"
                     : style == Style::kGood  ? "32"
                     : style == Style::kBusy  ? "33"
                                              : "31";
  return absl::StrCat("\x1b[", code, "m", text, "\x1b[0m");
}

void Output::Row(const std::vector<Cell>& cells,
                 const std::vector<size_t>& widths) {
  std::string line;
  // Spaces are owed until something follows them, so that no line ends in one.
  size_t owed = 0;
  for (size_t i = 0; i < cells.size(); ++i) {
    const std::string text = OneLine(cells[i].text);
    const size_t width = DisplayWidth(text);
    if (!text.empty()) {
      line.append(owed, ' ');
      line += Paint(text, cells[i].style);
      owed = 0;
    }
    owed += std::max(widths[i], width) - width + kGap;
  }
  *out_ << line << "\n";
}

}  // namespace parley::cli
