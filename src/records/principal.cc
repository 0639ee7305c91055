#include "records/principal.h"

namespace mettle::records {

std::string_view kind_text(Principal::Kind kind) {
  switch (kind) {
    case Principal::Kind::kNobody:
      return "nobody";
    case Principal::Kind::kUser:
      return "user";
    case Principal::Kind::kKey:
      return "key";
    case Principal::Kind::kService:
      return "service";
  }
  return "nobody";
}

namespace {
Value texts(const std::vector<std::string>& items) {
  List list;
  list.reserve(items.size());
  for (const std::string& item : items) list.emplace_back(item);
  return Value(std::move(list));
}
}  // namespace

Value Principal::as_value() const {
  Map record;
  record.reserve(8);
  record.emplace_back("signed_in", Value(signed_in()));
  record.emplace_back("kind", Value(kind_text(kind)));
  record.emplace_back("id", id);
  record.emplace_back("roles", texts(roles));
  record.emplace_back("scopes", texts(scopes));
  record.emplace_back("claims", claims.is_unknown() ? Value(Map{}) : claims);
  record.emplace_back("aal", Value(int64_t{aal}));
  if (!tenant.is_unknown()) record.emplace_back("tenant", tenant);
  return Value(std::move(record));
}

}  // namespace mettle::records
