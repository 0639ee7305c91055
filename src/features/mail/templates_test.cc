#include "features/mail/templates.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/fake_seams.h"
#include "db/sqlite/store_fixture.h"
#include "features/mail/post.h"

namespace mettle::mail {
namespace {

class TemplatesTest : public testing::Test {
 protected:
  void file(const std::string& name, std::string_view text) {
    std::ofstream(folder_.path() + "/" + name) << text;
  }
  std::shared_ptr<const Templates> load() {
    faults_ = {};
    return Templates::load(folder_.path(), {3, 7}, faults_);
  }
  std::string only_fault() {
    const auto all = faults_.sorted();
    EXPECT_EQ(all.size(), 1u);
    if (all.empty()) return {};
    EXPECT_EQ(all[0].pos.line, 3);
    EXPECT_EQ(all[0].code, "mail_template");
    const size_t folder = all[0].message.find(folder_.path());
    EXPECT_EQ(folder, 0u) << all[0].message;
    return all[0].message.substr(folder_.path().size() + 1) + " | " + all[0].fix;
  }
  Letter compose(std::shared_ptr<const Templates> templates, Mail mail) {
    const Mailer mailer(std::move(templates), "shop", std::make_shared<Post>());
    auto letter = mailer.compose(fake_.seams, std::move(mail));
    EXPECT_TRUE(letter.has_value()) << letter.error().inside;
    return letter ? *letter : Letter{};
  }

  db::TempFolder folder_;
  model::Faults faults_;
  FakeSeams fake_;
};

Mail reset_mail(std::string url = "http://localhost/reset?token=a&b=c") {
  Mail mail;
  mail.about = About::kReset;
  mail.to = "ann@example.com";
  mail.values = {{"url", std::move(url)}, {"expires", "1 hour"}};
  return mail;
}

TEST_F(TemplatesTest, TheBuiltInOnesNeedExactlyTheirValues) {
  for (const AboutInfo& info : abouts()) {
    const auto templates = load();
    Mail mail;
    mail.about = info.about;
    mail.to = "ann@example.com";
    for (const std::string_view name : info.values) {
      mail.values.emplace_back(std::string(name), "V-" + std::string(name));
    }
    const Letter letter = compose(templates, mail);
    EXPECT_EQ(letter.about, info.name);
    EXPECT_FALSE(letter.subject.empty());
    for (const std::string* part : {&letter.subject, &letter.text, &letter.html}) {
      EXPECT_EQ(part->find("{{"), std::string::npos) << *part;
    }
    for (const std::string_view name : info.values) {
      EXPECT_NE(letter.text.find("V-" + std::string(name)), std::string::npos) << info.name << name;
      EXPECT_NE(letter.html.find("V-" + std::string(name)), std::string::npos) << info.name << name;
    }
    mail.values.pop_back();
    const Mailer mailer(templates, "shop", std::make_shared<Post>());
    EXPECT_EQ(mailer.compose(fake_.seams, mail).error().code, Code::kInternal);
  }
}

TEST_F(TemplatesTest, ValuesAreEscapedInHtmlAndAreOneLineEverywhere) {
  const Letter letter =
      compose(load(), reset_mail("http://x/\"><script>'&\r\nSubject: other\r\n\r\nevil"));
  EXPECT_NE(letter.html.find("http://x/&quot;&gt;&lt;script&gt;&#39;&amp;  Subject: other"),
            std::string::npos)
      << letter.html;
  EXPECT_NE(letter.text.find("http://x/\"><script>'&  Subject: other    evil\n"), std::string::npos)
      << letter.text;
}

TEST_F(TemplatesTest, AnAppsOwnTakeTheirPlace) {
  file("reset.txt", "Subject: {{app}}: neu\n\nHallo {{ to }}: {{url}} {{expires}}\n");
  file("reset.html", "<a href=\"{{url}}\">{{expires}}</a>");
  const Letter letter = compose(load(), reset_mail());
  EXPECT_TRUE(faults_.empty());
  EXPECT_EQ(letter.subject, "shop: neu");
  EXPECT_EQ(letter.text, "Hallo ann@example.com: http://localhost/reset?token=a&b=c 1 hour\n");
  EXPECT_EQ(letter.html, "<a href=\"http://localhost/reset?token=a&amp;b=c\">1 hour</a>");
  // The others stay.
  Mail mail = reset_mail();
  mail.about = About::kVerify;
  EXPECT_EQ(compose(load(), mail).subject, "Confirm your e-mail address");
}

TEST_F(TemplatesTest, ATextAloneIsAMailWithoutHtml) {
  file("reset.txt", "Subject: s\n\n{{url}}\n");
  EXPECT_EQ(compose(load(), reset_mail()).html, "");
}

TEST_F(TemplatesTest, FaultsNameTheTemplatesFileAndLine) {
  file("reset.txt", "Subject: s\n\nfirst\n  {{ulr}}\n");
  load();
  EXPECT_EQ(only_fault(),
            "reset.txt:4:3: there is no \"ulr\" in this mail; allowed are app, expires, site, to, "
            "url | {{url}}");
  file("reset.txt", "Subject: {{who}}\n\nx\n");
  load();
  EXPECT_TRUE(only_fault().starts_with("reset.txt:1:10: there is no \"who\""));
  file("reset.txt", "Hello\n");
  load();
  EXPECT_EQ(only_fault(), "reset.txt:1:1: the first line of a text is its subject | Subject: …");
  file("reset.txt", "Subject: s\n\n{{url\n}}\n");
  load();
  EXPECT_TRUE(only_fault().starts_with("reset.txt:3:1: a place that begins with {{ ends"));
  file("reset.txt", "Subject: s\n\n\xff\n");
  load();
  EXPECT_TRUE(only_fault().starts_with("reset.txt:3:1: this is not UTF-8"));
  file("reset.txt", "Subject: s\n\n" + std::string(kTemplateBytes, 'x'));
  load();
  EXPECT_TRUE(only_fault().starts_with("reset.txt: this file is larger"));
}

TEST_F(TemplatesTest, FilesOfNoMailAndHtmlWithoutATextAreFaults) {
  file("rest.txt", "Subject: s\n\nx\n");
  load();
  EXPECT_TRUE(only_fault().ends_with(" | reset.txt"));
  std::filesystem::remove(folder_.path() + "/rest.txt");
  file("verify.html", "<p>");
  load();
  EXPECT_TRUE(only_fault().starts_with("verify.html: there must be a verify.txt"));
  faults_ = {};
  Templates::load(folder_.path() + "/nowhere", {3, 7}, faults_);
  EXPECT_TRUE(faults_.has_errors());
}

TEST_F(TemplatesTest, NobodyIsWrittenToAtSomethingThatIsNoAddress) {
  const Mailer mailer(load(), "shop", std::make_shared<Post>());
  for (const char* bad : {"ann", "ann@example.com\r\nBcc: eve@evil.example", "a@b,c@d"}) {
    Mail mail = reset_mail();
    mail.to = bad;
    const auto letter = mailer.compose(fake_.seams, mail);
    ASSERT_FALSE(letter.has_value());
    EXPECT_EQ(letter.error().code, Code::kInvalid);
    EXPECT_EQ(letter.error().faults.at(0).pointer, "/email");
  }
}

}  // namespace
}  // namespace mettle::mail
