#include "features/data/query_form.h"

#include "base/text.h"

namespace mettle::data {

namespace {

constexpr char kTaken = '\1';  // no query string that the parser lets through holds it

// Stands for itself, encoded or not.
bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_ascii_digit(c) || c == '-' ||
           c == '.' || c == '_' || c == '~';
  });
}

// Column, and not a word of the grammar, which knows its own values.
bool is_column(std::string_view name) {
  return !name.empty() && !is_list_word(name) && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || is_ascii_digit(c) || c == '_';
  });
}

// The length of `gte.` at the beginning of `gte.33`; 0: no operator with one operand.
size_t operator_length(std::string_view value) {
  for (const std::string_view op : {"eq.", "gte.", "lte.", "gt.", "lt.", "neq."}) {
    if (value.starts_with(op)) return op.size();
  }
  return 0;
}

}  // namespace

QueryForm::QueryForm(std::string_view query) {
  if (query.size() > kBytesMax || query.find(kTaken) != std::string_view::npos) {
    usable_ = false;
    return;
  }
  form_.reserve(query.size());
  int number = 0;
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    if (end > 0) pair(query.substr(0, end), number++);  // empty ones are no pairs
    query.remove_prefix(std::min(end + 1, query.size()));
  }
}

void QueryForm::pair(std::string_view text, int number) {
  if (!form_.empty()) form_ += '&';
  const auto [name, given] = split_once(text, '=');
  const std::string_view value = given.value_or("");
  const size_t op = is_column(name) && is_plain(value) ? operator_length(value) : 0;
  if (name == "cursor" && !value.empty() && is_plain(value)) {
    cursor_ = value;
    form_ += "cursor=";
    form_ += kTaken;
  } else if (op == 0) {
    form_ += text;
  } else if (count_ == kTextsMax) {
    usable_ = false;
  } else {
    form_ += text.substr(0, name.size() + 1 + op);
    form_ += kTaken;
    texts_[count_] = value.substr(op);
    pairs_[count_] = number;
    ++count_;
  }
}

NextLink::NextLink(const Pairs& pairs, const QueryForm& form) {
  std::string part;
  size_t taken = 0;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const auto& [name, value] = pairs[i];
    if (name == "cursor" || name == "offset") continue;
    part += percent_encode(name);
    part += '=';
    if (taken < form.pairs().size() && form.pairs()[taken] == static_cast<int>(i)) {
      part += value.substr(0, value.size() - form.texts()[taken].size());
      parts_.push_back(std::exchange(part, {}));
      ++taken;
    } else {
      part += percent_encode(value);
    }
    part += '&';
  }
  parts_.push_back(std::move(part));
}

std::string NextLink::with(std::string_view path, std::span<const std::string_view> texts,
                           std::string_view cursor) const {
  size_t bytes = path.size() + cursor.size() + 32;
  for (const std::string& part : parts_) bytes += part.size();
  for (const std::string_view text : texts) bytes += text.size();
  std::string link;
  link.reserve(bytes);
  link += '<';
  link += path;
  link += '?';
  for (size_t i = 0; i < parts_.size(); ++i) {
    link += parts_[i];
    if (i < texts.size()) link += texts[i];
  }
  link += "cursor=";
  link += cursor;
  link += ">; rel=\"next\"";
  return link;
}

std::shared_ptr<const KnownQuery> KnownQueries::find(std::string_view form) const {
  const std::lock_guard lock(mutex_);
  const auto found = forms_.find(form);
  return found == forms_.end() ? nullptr : found->second;
}

void KnownQueries::put(std::string_view form, NextLink link,
                       std::shared_ptr<const records::KnownList> list) {
  auto made = std::make_shared<KnownQuery>(KnownQuery{std::move(link), {}});
  const std::lock_guard lock(mutex_);
  const auto before = forms_.find(form);
  if (before != forms_.end()) {
    made->lists = before->second->lists;
    // Known before, and missed for another reason: its plan had been forgotten.
    std::erase_if(made->lists,
                  [&](const auto& known) { return known->learned.asked == list->learned.asked; });
    if (made->lists.size() == kListsMax) made->lists.erase(made->lists.begin());
  } else if (forms_.size() == kFormsMax) {
    forms_.clear();
  }
  made->lists.push_back(std::move(list));
  forms_.insert_or_assign(std::string(form), std::move(made));
}

}  // namespace mettle::data
