// What mails look like as bytes, on texts that were chosen to break them. Python's e-mail package
// reads the same mails in tests/outbound/message_test.py.
#include "features/mail/message.h"

#include <gtest/gtest.h>

#include "base/fake_seams.h"
#include "base/text.h"
#include "features/mail/read_message.h"

namespace mettle::mail {
namespace {

const net::Mailbox kFrom{"Shop", "no-reply@shop.example"};

Letter letter(std::string subject, std::string text, std::string html = {}) {
  Letter out;
  out.id = "019ab000-0000-7000-8000-000000000001";
  out.about = "test";
  out.to = "ann@example.com";
  out.subject = std::move(subject);
  out.text = std::move(text);
  out.html = std::move(html);
  out.created_at = Timestamp{1'767'225'600'000'000};
  return out;
}

std::string naughty_long() {
  std::string out;
  for (int i = 0; i < 300; ++i) out += "\u00e4\u4f8b\U0001f600";
  return out;
}

std::vector<std::string> naughty() {
  using namespace std::string_literals;
  return {"plain"s,
          ""s,
          " "s,
          " leading and trailing "s,
          "tab\there"s,
          "."s,
          ".\n.\n"s,
          "..a\n.b"s,
          "From here\nFrom there"s,
          "=3D =? =?UTF-8?B?QQ==?= ="s,
          "--=_019ab000\n--"s,
          "a=\nb"s,
          "\u00e4\u00f6\u00fc\u00df"s,
          "\u4f8b\u3048\u3070"s,
          "\U0001f468\u200d\U0001f469\u200d\U0001f467"s,
          "e\u0301"s,
          "\u202etxet"s,
          "\ufeffbom"s,
          "\u2028line\u2029para"s,
          "\u0085next"s,
          std::string(2000, 'x'),
          naughty_long(),
          "a\n\n\n\nb"s,
          "ends in spaces   \nnext\t\n"s,
          "{{name}} ${x} %s %n"s,
          "<script>alert(1)</script>"s,
          "' OR 1=1 --"s,
          "\x01\x02\x1b[31m"s,
          "nul\0inside"s,
          "quote \" back \\ slash"s,
          std::string(75, 'y') + "=",
          std::string(76, 'z') + "\n"};
}

std::string with_line_feeds(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

TEST(Message, HasTheHeadersOfAMail) {
  const auto data = render_message(kFrom, letter("Hello", "text\n", "<p>html</p>\n"));
  ASSERT_TRUE(data.has_value());
  EXPECT_TRUE(data->starts_with(
      "From: \"Shop\"\r\n <no-reply@shop.example>\r\nTo: ann@example.com\r\nSubject: Hello\r\n"
      "Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n"
      "Message-ID: <019ab000-0000-7000-8000-000000000001@shop.example>\r\n"
      "MIME-Version: 1.0\r\nAuto-Submitted: auto-generated\r\n"
      "Content-Type: multipart/alternative;\r\n boundary="))
      << *data;
  EXPECT_TRUE(data->ends_with("--\r\n"));
}

TEST(Message, IsReadBackAsItWas) {
  for (const std::string& text : naughty()) {
    const auto data = render_message(kFrom, letter("s", text, "<p>" + text + "</p>"));
    ASSERT_TRUE(data.has_value());
    const auto read = read_message(*data);
    ASSERT_TRUE(read.has_value()) << *data;
    EXPECT_EQ(with_line_feeds(read->text), with_line_feeds(text));
    EXPECT_EQ(with_line_feeds(read->html), "<p>" + text + "</p>");
    const auto alone = render_message(kFrom, letter("s", text));
    EXPECT_EQ(with_line_feeds(read_message(*alone)->text), with_line_feeds(text));
  }
}

TEST(Message, NoLineIsLongNoByteIsForeignAndNoDotStandsAtTheFront) {
  for (const std::string& text : naughty()) {
    const auto data = render_message(kFrom, letter(text, text, text));
    ASSERT_TRUE(data.has_value());
    for (std::string_view line : split(*data, '\n')) {
      if (!line.empty()) {
        ASSERT_TRUE(line.ends_with('\r')) << line;
        line.remove_suffix(1);
      }
      EXPECT_LE(line.size(), 76u) << line;
      EXPECT_FALSE(line.starts_with('.')) << line;
      for (const char c : line) EXPECT_TRUE((c >= ' ' && c < 0x7f) || c == '\t') << line;
    }
  }
}

// What a customer may put into a name must not become a header, or a second recipient.
TEST(Message, NothingFromOutsideBecomesAHeader) {
  for (const char* evil :
       {"x\r\nBcc: eve@evil.example", "x\nBcc: eve@evil.example", "x\rBcc: eve@evil.example",
        "x\r\n\r\nbody", "x\r\n Bcc: eve@evil.example"}) {
    net::Mailbox from = kFrom;
    from.name = evil;
    const auto data = render_message(from, letter(evil, "text"));
    ASSERT_TRUE(data.has_value());
    const std::string head = data->substr(0, data->find("\r\n\r\n"));
    EXPECT_EQ(head.find("Bcc"), std::string::npos) << head;
    EXPECT_EQ(head.find("body"), std::string::npos) << head;
    Letter to_evil = letter("s", "t");
    to_evil.to = evil;
    EXPECT_FALSE(render_message(kFrom, to_evil).has_value());
    from.address = evil;
    EXPECT_FALSE(render_message(from, letter("s", "t")).has_value());
  }
}

TEST(Message, EncodedWordsHoldWholeCharactersAndFitTheirLine) {
  const std::string text = encode_header_text(naughty_long(), 9);
  for (const std::string_view line : split(text, '\n')) {
    std::string_view word = line.starts_with(' ') ? line.substr(1) : line;
    if (word.ends_with('\r')) word.remove_suffix(1);
    ASSERT_TRUE(word.starts_with("=?UTF-8?B?") && word.ends_with("?=")) << word;
    EXPECT_LE(word.size(), 75u);
    const auto bytes = decode_base64(word.substr(10, word.size() - 12));
    ASSERT_TRUE(bytes.has_value());
    EXPECT_TRUE(is_utf8(*bytes));
  }
  EXPECT_EQ(encode_header_text("Plain words", 9), "Plain words");
  EXPECT_EQ(encode_header_text("=?looks encoded", 9).find("=?looks"), std::string::npos);
}

TEST(Message, AnAddressBeyondAsciiStandsAsItIs) {
  Letter out = letter("s", "t");
  out.to = "jos\u00e9@b\u00fccher.example";
  const auto data = render_message(kFrom, out);
  ASSERT_TRUE(data.has_value());
  EXPECT_NE(data->find("To: jos\u00e9@b\u00fccher.example\r\n"), std::string::npos);
}

}  // namespace
}  // namespace mettle::mail
