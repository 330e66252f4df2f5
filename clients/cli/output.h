#ifndef CLIENTS_CLI_OUTPUT_H_
#define CLIENTS_CLI_OUTPUT_H_

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace parley::cli {

enum class OutputFormat {
  kTable,      // for people
  kJson,       // one object for an answer, one a line for a stream
  kJsonLines,  // like kJson, but a list is one object an item
};

// Colour that carries meaning; nothing but colour where there is none.
enum class Style { kPlain, kHeading, kGood, kBusy, kBad };

// A piece of text for a person. What it holds of control characters is taken
// out when it is written.
struct Cell {
  Cell(std::string t) : text(std::move(t)) {}  // NOLINT: reads as text
  Cell(const char* t) : text(t) {}             // NOLINT: reads as text
  Cell(std::string t, Style s) : text(std::move(t)), style(s) {}

  std::string text;
  Style style = Style::kPlain;
};

// Where a verb writes: data to `out`, talk to `err`. Everything is flushed, so
// that a reader at the other end of a pipe sees it at once. One thread.
class Output {
 public:
  // The streams must outlive this.
  Output(std::ostream* out, std::ostream* err, OutputFormat format, bool color);

  OutputFormat format() const { return format_; }
  bool is_json() const { return format_ != OutputFormat::kTable; }

  // A message in proto3 JSON, on one line. All fields are written, so that a
  // script finds them, but for messages that are absent.
  void Json(const google::protobuf::Message& message);

  // The same with {"topic": topic} put first.
  void JsonOfTopic(absl::string_view topic,
                   const google::protobuf::Message& message);

  // Cells with a space in between.
  void Line(const std::vector<Cell>& cells);

  // Rows under headings, columns aligned; without rows nothing.
  void Table(const std::vector<std::string>& headings,
             const std::vector<std::vector<Cell>>& rows);

  // Names and values, aligned.
  void Properties(const std::vector<std::pair<std::string, Cell>>& rows);

  // A line for a person on stderr, with the program's name before it.
  void Note(absl::string_view text);

  // Whether everything could be written to `out` so far.
  bool good() const { return out_->good(); }

 private:
  std::string Paint(absl::string_view text, Style style) const;
  void Row(const std::vector<Cell>& cells, const std::vector<size_t>& widths);

  std::ostream* const out_;
  std::ostream* const err_;
  const OutputFormat format_;
  const bool color_;
};

}  // namespace parley::cli

#endif  // CLIENTS_CLI_OUTPUT_H_
