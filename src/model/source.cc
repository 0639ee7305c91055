#include "model/source.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace mettle::model {

Pos Source::at(size_t offset) const {
  Pos start = pos;
  size_t base = 0;
  for (const Segment& segment : segments) {
    if (segment.offset > offset) break;
    start = segment.pos;
    base = segment.offset;
  }
  if (start.line == 0) return start;
  return {start.line, start.column + static_cast<int>(offset - base)};
}

Source Source::from(size_t offset) const {
  return part(offset, text.size() - std::min(offset, text.size()));
}

Source Source::part(size_t offset, size_t length) const {
  offset = std::min(offset, text.size());
  Source out{text.substr(offset, length), at(offset)};
  for (const Segment& segment : segments) {
    if (segment.offset <= offset || segment.offset >= offset + length) continue;
    out.segments.push_back({segment.offset - offset, segment.pos});
  }
  return out;
}

void Faults::error(Pos pos, std::string path, std::string code, std::string message,
                   std::string fix) {
  ++errors_;
  all_.push_back({FileFault::Severity::kError, pos, std::move(path), std::move(code),
                  std::move(message), std::move(fix)});
}

void Faults::warning(Pos pos, std::string path, std::string code, std::string message,
                     std::string fix) {
  all_.push_back({FileFault::Severity::kWarning, pos, std::move(path), std::move(code),
                  std::move(message), std::move(fix)});
}

std::vector<FileFault> Faults::sorted() const {
  std::vector<size_t> order(all_.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  // By place, then as they were found.
  std::ranges::sort(
      order, {}, [this](size_t i) { return std::tuple(all_[i].pos.line, all_[i].pos.column, i); });
  std::vector<FileFault> out;
  for (const size_t i : order) out.push_back(all_[i]);
  return out;
}

namespace {

// Optimal string alignment: insertions, deletions, replacements and swapped neighbours cost 1.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        now[j] = std::min(now[j], before[j - 2] + 1);
      }
    }
    std::swap(before, last);
    std::swap(last, now);
  }
  return last[b.size()];
}

}  // namespace

std::string nearest(std::string_view name, const std::vector<std::string>& candidates) {
  constexpr size_t kNameMax = 64;
  if (name.size() < 2 || name.size() > kNameMax) return {};
  std::string best;
  size_t best_distance = std::max<size_t>(1, name.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kNameMax) continue;
    // One that continues the name ("desc" for "description") is near, too.
    const bool continues = name.size() >= 3 && candidate.starts_with(name);
    const size_t d = continues ? 1 : distance(name, candidate);
    if (d < best_distance) {
      best_distance = d;
      best = candidate;
    }
  }
  return best;
}

}  // namespace mettle::model
