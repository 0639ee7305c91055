#include "records/constraint.h"

#include <array>
#include <charconv>

#include "records/codec.h"

namespace mettle::records {

namespace {

class NameSink final : public db::RowSink {
 public:
  void restart() override { name.clear(); }
  Result<bool> on_row(const db::Row& row) override {
    name = row.text(0);
    return false;
  }
  std::string name;
};

struct Wording {
  std::string_view kind;
  Code code;
  std::string_view detail;
};
constexpr std::array<Wording, 7> kWordings = {{
    {"min", Code::kTooSmall, "is below its minimum"},
    {"max", Code::kTooLarge, "is above its maximum"},
    {"enum", Code::kNotInEnum, "is not one of its values"},
    {"precision", Code::kOutOfRange, "has more digits than its precision"},
    {"bool", Code::kWrongType, "must be true or false"},
    {"uuid", Code::kWrongType, "must be a uuid"},
    {"json", Code::kWrongType, "must be JSON"},
}};

}  // namespace

Task<Error> explained_check(db::Tx& tx, Error error, std::string pointer) {
  std::string_view rest = error.inside;
  if (!rest.starts_with("mt_")) co_return error;
  rest.remove_prefix(3);
  const size_t bar = rest.find('_');
  if (bar == std::string_view::npos) co_return error;
  const std::string_view kind = rest.substr(0, bar), digits = rest.substr(bar + 1);
  int64_t id = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), id).ec != std::errc()) {
    co_return error;
  }
  static const db::StatementRef kFind =
      db::Statement::make("SELECT column_name FROM mettle_columns WHERE id = ?1");
  const Value key(id);
  NameSink sink;
  const auto found = co_await tx.run(kFind, std::span(&key, 1), &sink);
  if (!found || sink.name.empty()) co_return error;
  for (const Wording& wording : kWordings) {
    if (wording.kind != kind) continue;
    std::vector<Fault> faults;
    faults.push_back({pointer_to(pointer, sink.name), wording.code, std::string(wording.detail)});
    Error told = invalid(std::move(faults));
    told.inside = std::move(error.inside);
    co_return told;
  }
  co_return error;
}

}  // namespace mettle::records
