#include "features/auth/holders.h"

#include <fmt/format.h>

#include "features/auth/keys.h"
#include "features/auth/services.h"

namespace mettle::auth {
namespace {

class PeopleWithRoles final : public db::RowSink {
 public:
  explicit PeopleWithRoles(const People& people) : people_(people) {}
  void restart() override { found.clear(); }
  Result<bool> on_row(const db::Row& row) override {
    Person person = people_.person_of(row, 0);
    found.push_back({Holder::Kind::kPerson, std::move(person.email), std::move(person.roles)});
    return true;
  }
  std::vector<Holder> found;

 private:
  const People& people_;
};

}  // namespace

Task<Result<std::vector<Holder>>> list_holders(Context& ctx, db::Store& store,
                                               const People* people) {
  std::vector<Holder> all;
  if (people != nullptr) {
    const auto sql = db::Statement::make(fmt::format(
        "SELECT {} FROM {} WHERE a.roles <> '[]' ORDER BY 2", people->columns(), people->join()));
    PeopleWithRoles rows(*people);
    const db::ReadHints scan{.scan = true};
    CO_TRY_VOID(co_await store.read(ctx, sql, {}, rows, scan));
    all = std::move(rows.found);
  }
  CO_TRY(const std::vector<Service> services, co_await list_services(ctx, store));
  for (const Service& one : services) {
    all.push_back({Holder::Kind::kService, std::string(kServicePrefix) + one.name, one.roles});
  }
  CO_TRY(const std::vector<Key> keys, co_await list_keys(ctx, store));
  const Timestamp now = ctx.seams().clock->now();
  for (const Key& one : keys) {
    if (!one.works_at(now)) continue;
    all.push_back({Holder::Kind::kKey, "key:" + one.id, one.roles});
  }
  co_return all;
}

}  // namespace mettle::auth
