#include "daemon/wire/random_content.h"

#include <cstdint>

#include "absl/strings/string_view.h"
#include "daemon/model/limits.h"

namespace parley::wire {
namespace {

// One time in eight up to the limit, else short: limits are tested, and most
// runs are quick.
size_t RandomSize(base::Rng* rng, size_t max) {
  const size_t bound = rng->OneIn(8) || max < 12 ? max : 12;
  return rng->Below(bound + 1);
}

std::string Name(base::Rng* rng, size_t max_bytes) {
  return RandomText(rng, RandomSize(rng, max_bytes), /*allow_nul=*/false);
}

std::string NonEmptyName(base::Rng* rng, size_t max_bytes) {
  return "n" + Name(rng, max_bytes - 1);
}

model::Attachment RandomAttachment(base::Rng* rng) {
  model::Attachment attachment;
  attachment.id = NonEmptyName(rng, model::kMaxForeignIdBytes);
  attachment.type = static_cast<model::AttachmentType>(rng->Below(5));
  attachment.name = NonEmptyName(rng, model::kMaxAttachmentNameBytes);
  attachment.url = Name(rng, model::kMaxUrlBytes);
  attachment.mime_type = Name(rng, model::kMaxAttachmentNameBytes);
  attachment.thumbnail_url = Name(rng, model::kMaxUrlBytes);
  attachment.size_bytes = rng->Below(model::kMaxAttachmentSizeBytes + 1);
  attachment.width_px = static_cast<uint32_t>(rng->Next());
  attachment.height_px = rng->OneIn(2) ? 0 : static_cast<uint32_t>(rng->Next());
  attachment.duration_ms = static_cast<uint32_t>(rng->Below(5000));
  return attachment;
}

}  // namespace

std::string RandomText(base::Rng* rng, size_t max_bytes, bool allow_nul) {
  static constexpr absl::string_view kPieces[] = {
      "a",        "Z",         "0",
      " ",        "\"",        "\\",
      "/",        "\n",        "\x01",
      "\x1f",     "\x7f",      "\t",
      "\xc3\xa9", "\u20ac",    "\xf0\x9f\x98\x80",
      "{",        "null",      "\xe2\x80\xa8",
      "\\u0041",  "</script>",
  };
  std::string text;
  while (text.size() < max_bytes) {
    if (allow_nul && rng->OneIn(20)) {
      text.push_back('\0');
      continue;
    }
    const absl::string_view piece =
        kPieces[rng->Below(sizeof(kPieces) / sizeof(kPieces[0]))];
    if (text.size() + piece.size() > max_bytes) {
      text.push_back('x');
    } else {
      text.append(piece.data(), piece.size());
    }
  }
  return text;
}

model::MessageContent RandomContent(base::Rng* rng) {
  model::MessageContent content;
  content.thread = model::ThreadId(Name(rng, model::kMaxForeignIdBytes));
  content.reply_to = model::MessageId(Name(rng, model::kMaxForeignIdBytes));
  content.type = static_cast<model::MessageType>(rng->Below(5));
  content.text = RandomText(rng, RandomSize(rng, model::kMaxTextBytes),
                            /*allow_nul=*/true);
  const size_t mentions =
      rng->OneIn(8) ? rng->Below(model::kMaxMentions + 1) : rng->Below(3);
  for (size_t i = 0; i < mentions; ++i) {
    content.mentions.emplace_back(NonEmptyName(rng, model::kMaxForeignIdBytes));
  }
  const size_t attachments =
      rng->OneIn(8) ? rng->Below(model::kMaxAttachments + 1) : rng->Below(3);
  for (size_t i = 0; i < attachments; ++i) {
    content.attachments.push_back(RandomAttachment(rng));
  }
  const size_t entries = rng->OneIn(8)
                             ? rng->Below(model::kMaxMetadataEntries + 1)
                             : rng->Below(3);
  for (size_t i = 0; i < entries; ++i) {
    content.metadata[NonEmptyName(rng, model::kMaxMetadataKeyBytes)] =
        RandomText(rng, RandomSize(rng, model::kMaxMetadataValueBytes),
                   /*allow_nul=*/true);
  }
  if (content.text.empty() && content.attachments.empty()) content.text = "t";
  return content;
}

}  // namespace parley::wire
