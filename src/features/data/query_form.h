// The form of a list's query string: the string without the texts that its plain filters compare
// with and without its cursor, which change from request to request while the rest stays. Two
// queries of one form have the same pairs but for those, so what was found out about one
// (records/known_list.h) holds for the other.
//
//   category_id=eq.0190…&price=gte.33&order=price   →   category_id=eq.\1&price=gte.\1&order=price
//
// Only `column=op.text` with an operator of one operand and a text that needs no decoding is taken
// apart; everything else belongs to the form as it stands. Pure; one pass, one allocation.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "features/data/query_grammar.h"
#include "records/known_list.h"

namespace mettle::data {

class QueryForm {
 public:
  explicit QueryForm(std::string_view query);  // which must outlive it

  // Else it is too long, or has too many texts, to be worth knowing.
  bool usable() const { return usable_; }
  std::string_view text() const { return form_; }
  // What was taken out, in order, and the number of its pair.
  std::span<const std::string_view> texts() const { return {texts_.data(), count_}; }
  std::span<const int> pairs() const { return {pairs_.data(), count_}; }
  std::string_view cursor() const { return cursor_; }

 private:
  static constexpr size_t kBytesMax = 1024;
  static constexpr size_t kTextsMax = 8;
  void pair(std::string_view text, int number);

  bool usable_ = true;
  std::string form_;
  std::array<std::string_view, kTextsMax> texts_;
  std::array<int, kTextsMax> pairs_{};
  size_t count_ = 0;
  std::string_view cursor_;
};

// The link to a list's next page (RFC 8288): the request's own query in one spelling, with the
// cursor of that page. Made once a form.
class NextLink {
 public:
  NextLink(const Pairs& pairs, const QueryForm& form);
  std::string with(std::string_view path, std::span<const std::string_view> texts,
                   std::string_view cursor) const;

 private:
  std::vector<std::string> parts_;  // around the texts: one more than these
};

struct KnownQuery {
  NextLink link;
  // One for each way in which the rules came out for callers, the latest last; few.
  std::vector<std::shared_ptr<const records::KnownList>> lists;
};

// The forms that lists of one table were asked for. Any thread; a bounded number, starting over
// when it is full.
class KnownQueries {
 public:
  std::shared_ptr<const KnownQuery> find(std::string_view form) const;
  void put(std::string_view form, NextLink link, std::shared_ptr<const records::KnownList> list);

 private:
  static constexpr size_t kFormsMax = 256;
  static constexpr size_t kListsMax = 4;
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const KnownQuery>, Hash, std::equal_to<>> forms_;
};

}  // namespace mettle::data
