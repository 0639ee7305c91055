#include "base/pattern.h"

#include <re2/re2.h>

namespace mettle {

struct Pattern::Impl {
  explicit Impl(std::string_view text, const re2::RE2::Options& options)
      : re(re2::StringPiece(text.data(), text.size()), options) {}
  re2::RE2 re;
};

Pattern::Pattern(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Pattern::~Pattern() = default;

Result<std::shared_ptr<const Pattern>> Pattern::compile(std::string_view text) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(
      1 << 20);  // a pattern that needs more is refused here, not at its first match
  auto impl = std::make_unique<Impl>(text, options);
  if (!impl->re.ok()) return fail(Code::kInvalid, impl->re.error());
  return std::shared_ptr<const Pattern>(new Pattern(std::move(impl)));
}

bool Pattern::found_in(std::string_view text) const {
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), impl_->re);
}

}  // namespace mettle
