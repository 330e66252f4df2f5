#include "daemon/runtime/mailbox.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace parley::runtime {
namespace {

core::Event Text(std::string text) {
  return core::TextReceived{core::ConnectionId(1), std::move(text)};
}

std::string TextOf(const Mail& mail) {
  return std::get<core::TextReceived>(std::get<core::Event>(mail)).text;
}

Mailbox::Limits Few(size_t events) {
  Mailbox::Limits limits;
  limits.max_events = events;
  return limits;
}

TEST(MailboxTest, HandsOutWhatWasPostedInOrder) {
  Mailbox mailbox({});
  mailbox.Post(Text("a"));
  EXPECT_TRUE(mailbox.TryPost(Text("b")));
  mailbox.PostCompletion(CommitDone{7, absl::OkStatus()});
  mailbox.PostCompletion(StoreRecovered{absl::DataLossError("gone")});
  const std::deque<Mail> mail = mailbox.Take(absl::InfiniteDuration());
  ASSERT_EQ(mail.size(), 4u);
  EXPECT_EQ(TextOf(mail[0]), "a");
  EXPECT_EQ(TextOf(mail[1]), "b");
  EXPECT_EQ(std::get<CommitDone>(mail[2]).commit, 7u);
  EXPECT_EQ(std::get<StoreRecovered>(mail[3]).status.message(), "gone");
}

TEST(MailboxTest, ReturnsEmptyHandedAfterTheTimeout) {
  Mailbox mailbox({});
  EXPECT_TRUE(mailbox.Take(absl::ZeroDuration()).empty());
  EXPECT_TRUE(mailbox.Take(absl::Milliseconds(1)).empty());
}

TEST(MailboxTest, RefusesMoreEventsThanItsLimit) {
  Mailbox mailbox(Few(2));
  EXPECT_TRUE(mailbox.TryPost(core::Started{}));
  EXPECT_TRUE(mailbox.TryPost(core::Started{}));
  EXPECT_FALSE(mailbox.TryPost(core::Started{}));
  // What the core waits for is never refused.
  mailbox.PostCompletion(CommitDone{1, absl::OkStatus()});
  EXPECT_EQ(mailbox.Take(absl::InfiniteDuration()).size(), 3u);
  EXPECT_TRUE(mailbox.TryPost(core::Started{}));
}

TEST(MailboxTest, RefusesMoreBytesThanItsLimit) {
  Mailbox::Limits limits;
  limits.max_bytes = 10000;
  Mailbox mailbox(limits);
  // One event always gets in, or it never could.
  EXPECT_TRUE(mailbox.TryPost(Text(std::string(20000, 'x'))));
  EXPECT_FALSE(mailbox.TryPost(core::Started{}));
  mailbox.Take(absl::InfiniteDuration());
  EXPECT_TRUE(mailbox.TryPost(Text(std::string(5000, 'x'))));
  EXPECT_FALSE(mailbox.TryPost(Text(std::string(5000, 'x'))));
  EXPECT_TRUE(mailbox.TryPost(core::Started{}));
}

TEST(MailboxTest, CountsEverythingThatAMessageHolds) {
  core::SendMessage send;
  send.content.text = std::string(1000, 'x');
  send.content.mentions = {model::UserId(std::string(1000, 'x'))};
  send.content.metadata = {{std::string(1000, 'x'), std::string(1000, 'x')}};
  send.content.attachments.resize(1);
  send.content.attachments[0].url = std::string(1000, 'x');
  EXPECT_GE(EventBytes(core::Command{core::CallId(1), send}), 5000u);
}

TEST(MailboxTest, APosterWaitsForRoom) {
  Mailbox mailbox(Few(1));
  mailbox.Post(Text("first"));
  std::thread poster([&] {
    for (int i = 0; i < 100; ++i) mailbox.Post(Text(std::to_string(i)));
  });
  EXPECT_EQ(TextOf(mailbox.Take(absl::InfiniteDuration()).at(0)), "first");
  for (int i = 0; i < 100; ++i) {
    const std::deque<Mail> mail = mailbox.Take(absl::InfiniteDuration());
    ASSERT_EQ(mail.size(), 1u);
    EXPECT_EQ(TextOf(mail[0]), std::to_string(i));
  }
  poster.join();
}

TEST(MailboxTest, CloseReleasesPostersAndTheTaker) {
  Mailbox mailbox(Few(1));
  mailbox.Post(Text("kept"));
  std::thread poster([&] { mailbox.Post(Text("waits, then is dropped")); });
  mailbox.Close();
  poster.join();
  EXPECT_TRUE(mailbox.closed());
  EXPECT_FALSE(mailbox.TryPost(core::Started{}));
  mailbox.Post(Text("dropped"));
  mailbox.PostCompletion(CommitDone{1, absl::OkStatus()});
  std::deque<Mail> mail = mailbox.Take(absl::InfiniteDuration());
  ASSERT_EQ(mail.size(), 2u);
  EXPECT_EQ(TextOf(mail[0]), "kept");
}

TEST(MailboxTest, CloseWakesATakerThatHasNoMail) {
  Mailbox mailbox({});
  std::thread taker(
      [&] { EXPECT_TRUE(mailbox.Take(absl::InfiniteDuration()).empty()); });
  mailbox.Close();
  taker.join();
}

TEST(MailboxTest, LosesNothingUnderLoad) {
  Mailbox mailbox(Few(8));
  constexpr int kPosters = 4;
  constexpr int kEach = 2000;
  std::vector<std::thread> posters;
  for (int p = 0; p < kPosters; ++p) {
    posters.emplace_back([&mailbox, p] {
      for (int i = 0; i < kEach; ++i) {
        const core::ConnectionId id(static_cast<uint64_t>(p));
        if (i % 2 == 0) {
          mailbox.Post(core::TextReceived{id, std::to_string(i)});
        } else {
          while (!mailbox.TryPost(core::TextReceived{id, std::to_string(i)})) {
            std::this_thread::yield();
          }
        }
      }
    });
  }
  std::vector<int> next(kPosters, 0);
  for (int taken = 0; taken < kPosters * kEach;) {
    for (const Mail& mail : mailbox.Take(absl::InfiniteDuration())) {
      const auto& text =
          std::get<core::TextReceived>(std::get<core::Event>(mail));
      EXPECT_EQ(text.text, std::to_string(next[text.connection.value()]++));
      ++taken;
    }
  }
  for (std::thread& poster : posters) poster.join();
}

}  // namespace
}  // namespace parley::runtime
