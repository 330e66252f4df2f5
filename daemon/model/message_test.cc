#include "daemon/model/message.h"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "daemon/model/errors.h"
#include "daemon/model/limits.h"
#include "gtest/gtest.h"

namespace parley::model {
namespace {

Attachment Cat() {
  Attachment attachment;
  attachment.id = "att1";
  attachment.type = AttachmentType::kImage;
  attachment.name = "cat.png";
  attachment.url = "https://files.example/cat.png";
  attachment.mime_type = "image/png";
  attachment.thumbnail_url = "https://files.example/cat-s.png";
  attachment.size_bytes = 48211;
  attachment.width_px = 640;
  attachment.height_px = 480;
  attachment.duration_ms = 1500;
  return attachment;
}

MessageContent Everything() {
  MessageContent content;
  content.thread = ThreadId("th1");
  content.reply_to = MessageId("m0");
  content.type = MessageType::kImage;
  content.text = "see \xc3\xa9\xf0\x9f\x98\x80";
  content.mentions = {UserId("bob"), UserId("carol")};
  content.attachments = {Cat()};
  content.metadata = {{"client", "parley"}, {"k", ""}};
  return content;
}

MessageContent Text(absl::string_view text) {
  MessageContent content;
  content.text = std::string(text);
  return content;
}

// Every change that makes another content of Everything().
std::vector<std::function<void(MessageContent*)>> Changes() {
  using C = MessageContent;
  return {
      [](C* c) { c->thread = ThreadId(); },
      [](C* c) { c->reply_to = MessageId("m1"); },
      [](C* c) { c->type = MessageType::kFile; },
      [](C* c) { c->text += "!"; },
      [](C* c) { c->mentions.pop_back(); },
      // The same bytes, cut elsewhere.
      [](C* c) {
        c->mentions = {UserId("bobc"), UserId("arol")};
      },
      [](C* c) {
        c->mentions = {UserId("carol"), UserId("bob")};
      },
      [](C* c) { c->attachments.push_back(Cat()); },
      [](C* c) { c->attachments[0].id = "att2"; },
      [](C* c) { c->attachments[0].type = AttachmentType::kCode; },
      [](C* c) { c->attachments[0].name = "dog.png"; },
      [](C* c) { c->attachments[0].url += "?"; },
      [](C* c) { c->attachments[0].mime_type = ""; },
      [](C* c) { c->attachments[0].thumbnail_url = ""; },
      [](C* c) { c->attachments[0].size_bytes = 0; },
      [](C* c) { c->attachments[0].width_px = 641; },
      [](C* c) { c->attachments[0].height_px = 481; },
      [](C* c) { c->attachments[0].duration_ms = 1501; },
      [](C* c) { c->metadata["client"] = "other"; },
      [](C* c) { c->metadata.erase("k"); },
      [](C* c) {
        c->metadata = {{"clien", "tparley"}, {"k", ""}};
      },
      // A key for a value.
      [](C* c) {
        c->metadata = {{"client", "parley"}, {"", "k"}};
      },
  };
}

TEST(MessageContentTest, EveryFieldCountsForEqualityAndFingerprint) {
  const MessageContent content = Everything();
  const RoomId room("general");
  EXPECT_EQ(content, Everything());
  EXPECT_EQ(ContentFingerprint(room, content),
            ContentFingerprint(room, Everything()));
  const auto changes = Changes();
  for (size_t i = 0; i < changes.size(); ++i) {
    MessageContent changed = content;
    changes[i](&changed);
    EXPECT_FALSE(changed == content) << i;
    EXPECT_NE(ContentFingerprint(room, changed),
              ContentFingerprint(room, content))
        << i;
  }
  EXPECT_NE(ContentFingerprint(RoomId("general2"), content),
            ContentFingerprint(room, content));
}

TEST(MessageTest, EveryFieldCountsForEquality) {
  Message message;
  message.room = RoomId("r");
  const std::vector<std::function<void(Message*)>> changes = {
      [](Message* m) { m->room = RoomId("s"); },
      [](Message* m) { m->id = MessageId("m"); },
      [](Message* m) { m->client_id = ClientMessageId("c"); },
      [](Message* m) { m->sender = UserId("u"); },
      [](Message* m) { m->content.text = "t"; },
      [](Message* m) { m->sent_at += absl::Milliseconds(1); },
      [](Message* m) { m->room_seq = 1; },
      [](Message* m) { m->possible_duplicate = true; },
      [](Message* m) { m->change_seq = ChangeSeq(1); },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    Message changed = message;
    EXPECT_EQ(changed, message);
    changes[i](&changed);
    EXPECT_FALSE(changed == message) << i;
  }
}

// These numbers are on disk: whoever changes them breaks every store.
TEST(ContentFingerprintTest, NeverChanges) {
  EXPECT_EQ(ContentFingerprint(RoomId("general"), Text("hello")),
            0x9307cfd9e41a2f35u);
  EXPECT_EQ(ContentFingerprint(RoomId("general"), Everything()),
            0x50dea08d6898e316u);
}

TEST(ContentBytesTest, CountsStringsAndEightBytesForTheRest) {
  // thread, reply_to, type, text and three lists.
  EXPECT_EQ(ContentBytes(MessageContent()), 7u * 8);
  EXPECT_EQ(ContentBytes(Text("hello")), 7u * 8 + 5);
  MessageContent content;
  content.mentions = {UserId("bob")};
  EXPECT_EQ(ContentBytes(content), 7u * 8 + 8 + 3);
  content = MessageContent();
  content.metadata = {{"k", "val"}};
  EXPECT_EQ(ContentBytes(content), 7u * 8 + 2 * 8 + 4);
  content = MessageContent();
  content.attachments = {Attachment()};
  EXPECT_EQ(ContentBytes(content), 7u * 8 + 10 * 8);
}

struct LimitCase {
  const char* field;
  std::function<void(MessageContent*, size_t)> set;
  size_t max;
};

std::vector<LimitCase> LimitCases() {
  using C = MessageContent;
  const auto text = [](size_t n) { return std::string(n, 'x'); };
  return {
      {"thread", [=](C* c, size_t n) { c->thread = ThreadId(text(n)); },
       kMaxForeignIdBytes},
      {"reply_to", [=](C* c, size_t n) { c->reply_to = MessageId(text(n)); },
       kMaxForeignIdBytes},
      {"text", [=](C* c, size_t n) { c->text = text(n); }, kMaxTextBytes},
      {"mentions", [](C* c, size_t n) { c->mentions.assign(n, UserId("bob")); },
       kMaxMentions},
      {"mentions[1]", [=](C* c, size_t n) { c->mentions[1] = UserId(text(n)); },
       kMaxForeignIdBytes},
      {"attachments", [](C* c, size_t n) { c->attachments.assign(n, Cat()); },
       kMaxAttachments},
      {"attachments[0].id",
       [=](C* c, size_t n) { c->attachments[0].id = text(n); },
       kMaxForeignIdBytes},
      {"attachments[0].name",
       [=](C* c, size_t n) { c->attachments[0].name = text(n); },
       kMaxAttachmentNameBytes},
      {"attachments[0].url",
       [=](C* c, size_t n) { c->attachments[0].url = text(n); }, kMaxUrlBytes},
      {"attachments[0].mime_type",
       [=](C* c, size_t n) { c->attachments[0].mime_type = text(n); },
       kMaxAttachmentNameBytes},
      {"attachments[0].thumbnail_url",
       [=](C* c, size_t n) { c->attachments[0].thumbnail_url = text(n); },
       kMaxUrlBytes},
      {"attachments[0].size_bytes",
       [](C* c, size_t n) { c->attachments[0].size_bytes = n; },
       kMaxAttachmentSizeBytes},
      {"metadata",
       [](C* c, size_t n) {
         c->metadata.clear();
         for (size_t i = 0; i < n; ++i) c->metadata[absl::StrCat(i)] = "";
       },
       kMaxMetadataEntries},
      {"metadata", [=](C* c, size_t n) { c->metadata[text(n)] = ""; },
       kMaxMetadataKeyBytes},
      {"metadata[\"k\"]", [=](C* c, size_t n) { c->metadata["k"] = text(n); },
       kMaxMetadataValueBytes},
  };
}

TEST(ValidateContentTest, EachLimitIsAllowedAndOneMoreIsNot) {
  EXPECT_EQ(ValidateContent(Everything()), absl::OkStatus());
  for (const LimitCase& c : LimitCases()) {
    MessageContent content = Everything();
    c.set(&content, c.max);
    EXPECT_EQ(ValidateContent(content), absl::OkStatus()) << c.field;
    content = Everything();
    c.set(&content, c.max + 1);
    const absl::Status status = ValidateContent(content);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.field;
    EXPECT_EQ(ErrorFieldOf(status), c.field) << status;
    EXPECT_EQ(ErrorReasonOf(status), ErrorReason::kInvalidArgument);
  }
}

struct BadCase {
  const char* field;
  std::function<void(MessageContent*)> spoil;
};

TEST(ValidateContentTest, RefusesWhatNoServerCouldKeep) {
  using C = MessageContent;
  const std::string nul("a\0b", 3);
  const std::string broken = "\xed\xa0\x80";
  const std::vector<BadCase> cases = {
      {"thread", [=](C* c) { c->thread = ThreadId(nul); }},
      {"thread", [=](C* c) { c->thread = ThreadId(broken); }},
      {"reply_to", [=](C* c) { c->reply_to = MessageId(nul); }},
      {"text", [=](C* c) { c->text = broken; }},
      {"mentions[1]", [=](C* c) { c->mentions[1] = UserId(nul); }},
      {"mentions[1]", [=](C* c) { c->mentions[1] = UserId(broken); }},
      {"mentions[0]", [](C* c) { c->mentions[0] = UserId(); }},
      {"attachments[0].id", [](C* c) { c->attachments[0].id = ""; }},
      {"attachments[0].name", [](C* c) { c->attachments[0].name = ""; }},
      {"attachments[0].name", [=](C* c) { c->attachments[0].name = nul; }},
      {"attachments[0].url", [=](C* c) { c->attachments[0].url = broken; }},
      {"metadata", [](C* c) { c->metadata[""] = "v"; }},
      {"metadata", [=](C* c) { c->metadata[nul] = "v"; }},
      {"metadata", [=](C* c) { c->metadata[broken] = "v"; }},
      {"metadata", [](C* c) { c->metadata["parley"] = "v"; }},
      {"metadata[\"k\"]", [=](C* c) { c->metadata["k"] = broken; }},
  };
  for (size_t i = 0; i < cases.size(); ++i) {
    MessageContent content = Everything();
    cases[i].spoil(&content);
    const absl::Status status = ValidateContent(content);
    EXPECT_EQ(ErrorFieldOf(status), cases[i].field) << i << ": " << status;
  }
}

TEST(ValidateContentTest, NeedsTextOrAnAttachment) {
  MessageContent content;
  content.metadata = {{"k", "v"}};
  EXPECT_EQ(ErrorFieldOf(ValidateContent(content)), "text");
  content.attachments = {Cat()};
  EXPECT_EQ(ValidateContent(content), absl::OkStatus());
  // NUL is a character of a text.
  EXPECT_EQ(ValidateContent(Text(absl::string_view("a\0b", 3))),
            absl::OkStatus());
}

}  // namespace
}  // namespace parley::model
