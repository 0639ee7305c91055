// The functions that rules in SQL compute with (Dialect names them). Each does what rules/ does in
// memory, by the same functions of base/; what fails is NULL, which SQL carries as unknown.
#include <charconv>
#include <cmath>

#include "base/datetime.h"
#include "base/decimal.h"
#include "base/id.h"
#include "db/sqlite/functions.h"

namespace mettle::db {
namespace {

bool is_int(const FunctionCall& call, int i) {
  return call.stored(i) == Kind::kInt;
}

void mt_within(FunctionCall& call) {
  if (!is_int(call, 0)) return call.result_null();
  const int64_t x = call.int64(0);
  if (x < call.int64(1) || x > call.int64(2)) return call.result_null();
  call.result_int64(x);
}

void result_finite(FunctionCall& call, double d) {
  if (!std::isfinite(d)) return call.result_null();
  call.result_real(d);
}

void mt_finite(FunctionCall& call) {
  if (call.stored(0) != Kind::kFloat) return call.result_null();
  result_finite(call, call.real(0));
}

std::optional<Decimal> decimal_at(const FunctionCall& call, int units, int scale) {
  if (!is_int(call, units)) return std::nullopt;
  const int64_t u = call.int64(units);
  if (u > kDecimalUnitsMax || u < -kDecimalUnitsMax) return std::nullopt;
  return Decimal{u, static_cast<int>(call.int64(scale))};
}

void result_decimal(FunctionCall& call, const std::optional<Decimal>& d) {
  if (!d) return call.result_null();
  call.result_int64(d->units);
}

// units, scale, scale wanted
void mt_decimal_round(FunctionCall& call) {
  const auto d = decimal_at(call, 0, 1);
  result_decimal(call, d ? decimal_round(*d, static_cast<int>(call.int64(2))) : d);
}

// units, scale, units, scale, scale wanted
void mt_decimal_div(FunctionCall& call) {
  const auto a = decimal_at(call, 0, 1), b = decimal_at(call, 2, 3);
  if (!a || !b) return call.result_null();
  result_decimal(call, decimal_div(*a, *b, static_cast<int>(call.int64(4))));
}

bool both_texts(const FunctionCall& call) {
  return call.stored(0) == Kind::kText && call.stored(1) == Kind::kText;
}
void mt_starts_with(FunctionCall& call) {
  if (!both_texts(call)) return call.result_null();
  call.result_int64(call.text(0).starts_with(call.text(1)) ? 1 : 0);
}
void mt_ends_with(FunctionCall& call) {
  if (!both_texts(call)) return call.result_null();
  call.result_int64(call.text(0).ends_with(call.text(1)) ? 1 : 0);
}

template <class T>
bool parse_number(std::string_view text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

void to_int(FunctionCall& call, std::string_view from) {
  if (from == "decimal") {
    const auto d = decimal_at(call, 0, 2);
    if (!d) return call.result_null();
    int64_t units = d->units;
    for (int i = 0; i < d->scale; ++i) units /= 10;
    return call.result_int64(units);
  }
  constexpr double kTwo63 = 9223372036854775808.0;
  int64_t parsed = 0;
  switch (call.stored(0)) {
    case Kind::kInt:
      return call.result_int64(call.int64(0));
    case Kind::kFloat:
      if (!(call.real(0) > -kTwo63 && call.real(0) < kTwo63)) return call.result_null();
      return call.result_int64(static_cast<int64_t>(call.real(0)));
    case Kind::kText:
      if (!parse_number(call.text(0), parsed)) return call.result_null();
      return call.result_int64(parsed);
    default:
      return call.result_null();
  }
}

void to_float(FunctionCall& call, std::string_view from) {
  if (from == "decimal") {
    const auto d = decimal_at(call, 0, 2);
    if (!d) return call.result_null();
    return call.result_real(decimal_to_double(*d));
  }
  double parsed = 0;
  switch (call.stored(0)) {
    case Kind::kInt:
      return call.result_real(static_cast<double>(call.int64(0)));
    case Kind::kFloat:
      return result_finite(call, call.real(0));
    case Kind::kText:
      if (!parse_number(call.text(0), parsed)) return call.result_null();
      return result_finite(call, parsed);
    default:
      return call.result_null();
  }
}

std::optional<Timestamp> timestamp_at(const FunctionCall& call) {
  if (!is_int(call, 0)) return std::nullopt;
  const Timestamp t{call.int64(0)};
  if (t < kTimestampMin || t > kTimestampMax) return std::nullopt;
  return t;
}

void to_text(FunctionCall& call, std::string_view from) {
  if (from == "date" || from == "time") return call.result_text(call.text(0));  // stored as such
  if (from == "bool") return call.result_text(call.int64(0) != 0 ? "true" : "false");
  if (from == "int") return call.result_text(std::to_string(call.int64(0)));
  if (from == "decimal") {
    const auto d = decimal_at(call, 0, 2);
    return d ? call.result_text(format_decimal(*d)) : call.result_null();
  }
  if (from == "timestamp") {
    const auto t = timestamp_at(call);
    return t ? call.result_text(format_cel_timestamp(*t)) : call.result_null();
  }
  if (from != "uuid" || call.stored(0) != Kind::kBytes || call.blob(0).size() != 16) {
    return call.result_null();
  }
  Uuid id;
  for (size_t i = 0; i < 16; ++i) id.bytes[i] = static_cast<uint8_t>(call.blob(0)[i]);
  call.result_text(format_uuid(id));
}

void to_uuid(FunctionCall& call) {
  if (call.stored(0) != Kind::kText) return call.result_null();
  const auto id = parse_uuid(call.text(0));
  if (!id) return call.result_null();
  call.result_blob({reinterpret_cast<const char*>(id->bytes.data()), id->bytes.size()});
}

// x, the kind it is, its scale, the kind wanted
void mt_convert(FunctionCall& call) {
  if (call.is_null(0)) return call.result_null();
  const std::string_view from = call.text(1), to = call.text(3);
  if (to == "int") return to_int(call, from);
  if (to == "float") return to_float(call, from);
  if (to == "text") return to_text(call, from);
  if (to == "uuid") return to_uuid(call);
  if (to == "date") {
    const auto t = timestamp_at(call);
    return t ? call.result_text(format_date(date_of(*t))) : call.result_null();
  }
  if (to == "timestamp" && call.stored(0) == Kind::kText) {
    const auto date = parse_date(call.text(0));
    return date ? call.result_int64(timestamp_of(*date).us) : call.result_null();
  }
  call.result_null();
}

constexpr ScalarFunction kFunctions[] = {
    {"mt_within", 3, mt_within, {}},
    {"mt_finite", 1, mt_finite, {}},
    {"mt_decimal_round", 3, mt_decimal_round, {}},
    {"mt_decimal_div", 5, mt_decimal_div, {}},
    {"mt_starts_with", 2, mt_starts_with, {}},
    {"mt_ends_with", 2, mt_ends_with, {}},
    {"mt_convert", 4, mt_convert, {}},
};

}  // namespace

Result<> register_rule_functions(FunctionRegistry& registry) {
  for (const ScalarFunction& function : kFunctions) {
    TRY_VOID(registry.add(function));
  }
  return {};
}

}  // namespace mettle::db
