#include "requests.h"

#include <fmt/format.h>

#include "base/id.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/text.h"

namespace mettle::twins {

namespace {

constexpr size_t kRemembered = 24;

template <class T>
void remember(std::deque<T>& list, T entry) {
  list.push_back(std::move(entry));
  if (list.size() > kRemembered) list.pop_front();
}

}  // namespace

void Exceptions::add(const Exceptions& other) {
  unique = unique || other.unique;
  reference = reference || other.reference;
  restricted = restricted || other.restricted;
}

Generator::Generator(const AppCase& app, const Twins& twins, uint64_t seed)
    : app_(app), twins_(twins), pools_(app, twins), fresh_(pools_), dice_(seed) {
  prefix_ = fmt::format("/api/v{}", app.app->api);
}

void Generator::forget() {
  pools_ = fresh_;
  cursors_.clear();
  tags_.clear();
  keyed_.clear();
}

int Generator::any_table() {
  while (true) {
    const int table = static_cast<int>(dice_.index(pools_.size()));
    // One that is closed to all, or has nothing to see, is asked for less often.
    if (!pool(table).seen.empty() || dice_.percent(15)) return table;
  }
}

std::string Generator::path(int table, const std::string& address) const {
  return prefix_ + "/" + described(table).name + (address.empty() ? "" : "/" + address);
}

Asked Generator::next() {
  made_ = Asked();
  ++count_;
  const int64_t mood = dice_.from(1, 100);
  mood_ = mood <= 72 ? Mood::kClean : mood <= 92 ? Mood::kPrying : Mood::kWild;
  const int64_t who = dice_.from(1, 100);
  if (who > 3 && !twins_.viewer.name.empty())
    header("Authorization", "Bearer " + twins_.viewer.name);
  if (who == 1) header("Authorization", "Bearer mtl_no_such_key");
  header("X-Request-Id", fmt::format("r{}", count_));
  const int64_t kind = dice_.from(1, 1000);
  if (kind <= 430) {
    list();
  } else if (kind <= 520) {
    next_page();
  } else if (kind <= 670) {
    one();
  } else if (kind <= 740) {
    create();
  } else if (kind <= 775) {
    put();
  } else if (kind <= 835) {
    patch();
  } else if (kind <= 860) {
    remove();
  } else if (kind <= 885) {
    by_filter();
  } else if (kind <= 920) {
    batch();
  } else if (kind <= 950) {
    own();
  } else if (kind <= 970) {
    again();
  } else {
    odd();
  }
  return made_;
}

void Generator::list() {
  const int table = any_table();
  Parameters out;
  made_.request.method = dice_.percent(4) ? "HEAD" : "GET";
  did("list");
  const bool grouped = described(table).aggregates && dice_.percent(18);
  if (grouped) {
    out.emplace_back("select", aggregates(table));
  } else if (dice_.percent(55)) {
    Parameters of_relations;
    std::string text = select(table, 0, "", of_relations);
    out.emplace_back("select", std::move(text));
    out.insert(out.end(), of_relations.begin(), of_relations.end());
  }
  if (dice_.percent(65)) filters(table, "", out, 3);
  if (!grouped && dice_.percent(50)) {
    did("order");
    out.emplace_back("order", order(table));
  }
  if (dice_.percent(45)) out.emplace_back("limit", std::to_string(dice_.from(1, 8)));
  if (dice_.percent(8)) out.emplace_back("offset", std::to_string(dice_.from(0, 30)));
  if (dice_.percent(30)) {
    did("count");
    out.emplace_back("count", "exact");
  }
  if (mood_ == Mood::kWild && dice_.percent(20)) out.emplace_back("limt", "3");
  if (mood_ == Mood::kWild && dice_.percent(10)) out.emplace_back("limit", "0");
  made_.request.target = path(table) + encoded(out);
  made_.list = made_.request.target;
  if (!tags_.empty() && dice_.percent(8)) {
    const auto& [target, tag] = tags_[dice_.index(tags_.size())];
    made_.request.target = made_.list = target;
    header("If-None-Match", tag);
    did("If-None-Match");
  }
  if (dice_.percent(3)) header("Accept-Encoding", "gzip");
  if (dice_.percent(2)) header("Accept", dice_.percent(50) ? "text/html" : "application/*;q=0.5");
}

void Generator::next_page() {
  if (cursors_.empty()) return list();
  const Cursor& at = cursors_[dice_.index(cursors_.size())];
  std::string cursor = at.cursor;
  made_.request.method = "GET";
  std::string target = at.list;
  if (dice_.percent(25)) {
    did("cursor tampered with");
    switch (dice_.from(0, 3)) {
      case 0:
        cursor[dice_.index(cursor.size())] = dice_.percent(50) ? 'A' : 'z';
        break;
      case 1:
        cursor.resize(dice_.index(cursor.size()) + 1);
        break;
      case 2:
        target = cursors_[dice_.index(cursors_.size())].list;
        break;
      default:
        cursor += "AAAA";
    }
  } else {
    did("cursor walked");
  }
  made_.request.target = target + (target.find('?') == std::string::npos ? "?" : "&") +
                         "cursor=" + percent_encode(cursor);
  made_.list = at.list;
}

// A row to speak of: seen, hidden in one world or both, or none at all.
const Known& Generator::known(int table, bool write, std::string& address) {
  static const Known kNone;
  TablePool& rows = pool(table);
  const int64_t way = dice_.from(1, 100);
  if (way <= 65 && !rows.seen.empty()) {
    const Known& found = dice_.one_of(rows.seen);
    address = found.address;
    return found;
  }
  if (way <= 92 && !rows.hidden.empty()) {
    did(write ? "writes to a hidden row" : "asks for a hidden row");
    const Known& found = dice_.one_of(rows.hidden);
    address = found.address;
    return found;
  }
  const bool two = described(table).key.size() > 1;
  address = dice_.percent(50) ? "01900000-0000-7000-8000-00000000dead" : "77777";
  if (two) address += "/1999";
  if (dice_.percent(10)) address += "/more";
  return kNone;
}

void Generator::one() {
  const int table = any_table();
  std::string address;
  const Known& row = known(table, false, address);
  made_.request.method = dice_.percent(12) ? "HEAD" : "GET";
  did("row");
  Parameters out;
  if (dice_.percent(40)) {
    Parameters of_relations;
    std::string text = select(table, 0, "", of_relations);
    out.emplace_back("select", std::move(text));
    out.insert(out.end(), of_relations.begin(), of_relations.end());
  }
  made_.request.target = path(table, address) + encoded(out);
  if (dice_.percent(30)) {
    did("If-None-Match");
    header("If-None-Match", row.etag.empty() ? "\"x\"" : dice_.percent(90) ? row.etag : "*");
  }
}

// A value for a body; with what it may meet, also where chance hits upon a hidden row.
Value Generator::value_to_write(int table, int column, const Known* row) {
  Value value = chosen_value(table, column, row);
  const model::Column& found = described(table).columns[static_cast<size_t>(column)];
  const bool refers = found.shape.type == model::Type::kReference;
  if (!refers && column != 0) return value;
  // A row of another tenant is not there, whether it is or not.
  if (refers && described(table).tenant >= 0 &&
      (column == described(table).tenant || described(found.shape.references).tenant >= 0)) {
    return value;
  }
  for (const Known& hidden : pool(refers ? found.shape.references : table).hidden) {
    if (hidden.row.values[0].storage() != value.storage()) continue;
    (refers ? made_.exceptions.reference : made_.exceptions.unique) = true;
  }
  return value;
}

bool Generator::unique_in_tenant(int table, int column) const {
  const model::Table& found = described(table);
  const std::vector<int> both = {found.tenant, column};
  return std::ranges::any_of(found.indexes, [&both](const model::Index& index) {
    return index.unique && index.columns == both;
  });
}

Value Generator::chosen_value(int table, int column, const Known* row) {
  const model::Column& found = described(table).columns[static_cast<size_t>(column)];
  const ColumnPool& values = pool(table).columns[static_cast<size_t>(column)];
  const auto& key = described(table).key;
  const bool unique =
      found.unique || column == 0 || std::find(key.begin(), key.end(), column) != key.end();
  if (row != nullptr && values.openness != Openness::kOpen && !row->row.values.empty() &&
      dice_.percent(70)) {
    // What stands there in one of the worlds: is it told from what does not?
    did("writes what a hidden column holds");
    const Row& from = dice_.percent(50) ? row->row : row->other;
    return from.values[static_cast<size_t>(column)];
  }
  if (found.shape.type == model::Type::kReference) {
    TablePool& targets = pool(found.shape.references);
    const bool people = found.name == "user_id" || found.name == "author_id";
    if (people && !twins_.viewer.id.is_unknown() && dice_.percent(85)) return twins_.viewer.id;
    const int64_t astray = described(table).tenant >= 0 ? 20 : mood_ == Mood::kPrying ? 12 : 0;
    if (!targets.hidden.empty() && dice_.percent(astray)) {
      did("refers to a hidden row");
      return dice_.one_of(targets.hidden).row.values[0];
    }
    if (targets.seen.empty() || dice_.percent(4)) {
      return chance_value(*app_.app, described(found.shape.references).columns[0], dice_, false);
    }
    return dice_.one_of(targets.seen).row.values[0];
  }
  if (unique_in_tenant(table, column) && !values.hidden.empty() && dice_.percent(25)) {
    did("writes what is unique in another tenant");
    return dice_.one_of(values.hidden);
  }
  if (unique && !values.hidden.empty() && dice_.percent(mood_ == Mood::kPrying ? 10 : 0)) {
    made_.exceptions.unique = true;
    did("writes a unique value of a hidden row");
    return dice_.one_of(values.hidden);
  }
  if (dice_.percent(unique ? 3 : 40) && !values.seen.empty()) return dice_.one_of(values.seen);
  return chance_value(*app_.app, found, dice_, false);
}

// `by`: a column of an upsert, whose value is one that a row has.
std::string Generator::body_of(int table, bool whole, const Known* row, int by) {
  const model::Table& described_table = described(table);
  std::string out = "{";
  const auto add = [&out](const std::string& name, const std::string& json) {
    out += (out.size() > 1 ? ",\"" : "\"") + name + "\":" + json;
  };
  const size_t columns = described_table.columns.size();
  const size_t picked = dice_.index(columns);
  for (size_t c = 0; c < columns; ++c) {
    const model::Column& column = described_table.columns[c];
    const ColumnPool& pooled = pool(table).columns[c];
    if (column.system || column.hidden) {
      const bool send = c == 0 && whole && row == nullptr && mood_ == Mood::kPrying;
      if (send && dice_.percent(15)) {
        add("id", to_json(value_to_write(table, 0, nullptr)));
      } else if (mood_ == Mood::kWild && dice_.percent(3)) {
        add(column.name, "\"1\"");
      }
      continue;
    }
    if (static_cast<int>(c) == by) {
      const std::vector<Value>& there =
          pooled.hidden.empty() || (!pooled.seen.empty() && dice_.percent(40)) ? pooled.seen
                                                                               : pooled.hidden;
      if (!unique_in_tenant(table, by)) made_.exceptions.unique = true;
      if (!there.empty()) add(column.name, to_json(dice_.one_of(there)));
      continue;
    }
    const bool needed = whole && !column.shape.optional && !column.shape.default_value;
    const bool closed = pooled.openness != Openness::kOpen || pooled.written_by_some;
    bool send = needed ? dice_.percent(97) : dice_.percent(whole ? 50 : 15) || c == picked;
    if (closed && !needed) send = mood_ == Mood::kPrying && dice_.percent(row != nullptr ? 60 : 25);
    if (static_cast<int>(c) == described_table.owner) send = dice_.percent(25);
    if (!send) continue;
    if (closed) did("writes a closed column");
    add(column.name, mood_ == Mood::kWild && dice_.percent(8)
                         ? "[1]"
                         : to_json(value_to_write(table, static_cast<int>(c), row)));
  }
  if (mood_ == Mood::kWild && dice_.percent(10)) add("no_such_column", "1");
  if (mood_ == Mood::kPrying && dice_.percent(3)) add("password", "\"x\"");
  return out + (mood_ == Mood::kWild && dice_.percent(5) ? "" : "}");
}

void Generator::headers_of_write(const Known* row, bool if_match_needed) {
  if (dice_.percent(20)) {
    header("Prefer", dice_.percent(50) ? "return=minimal" : "return=representation");
  }
  if (row != nullptr && dice_.percent(if_match_needed ? 88 : 25)) {
    did("If-Match");
    const int64_t way = dice_.from(1, 100);
    header("If-Match", way <= 75 && !row->etag.empty() ? row->etag : way <= 85 ? "*" : "\"1-abc\"");
  }
  if (dice_.percent(14)) {
    did("Idempotency-Key");
    header("Idempotency-Key", fmt::format("key-{}", count_));
  }
}

void Generator::create() {
  const int table = any_table();
  made_.request.method = "POST";
  did("create");
  Parameters out;
  if (dice_.percent(25)) out.emplace_back("select", select(table, 1, "", out));
  const bool upsert = dice_.percent(25);
  int by = -1;
  headers_of_write(nullptr, false);
  header("Content-Type", dice_.percent(97) ? "application/json" : "text/csv");
  if (upsert) {
    did("upsert");
    header("Prefer", std::string("resolution=") +
                         (dice_.percent(60) ? "merge-duplicates" : "ignore-duplicates"));
    std::vector<int> unique, closed;
    for (size_t c = 0; c < described(table).columns.size(); ++c) {
      const bool names_one =
          described(table).columns[c].unique || unique_in_tenant(table, static_cast<int>(c));
      if (!names_one || described(table).columns[c].hidden) continue;
      const bool open = pool(table).columns[c].openness == Openness::kOpen;
      (open ? unique : closed).push_back(static_cast<int>(c));
    }
    if (!closed.empty() && dice_.percent(50)) {
      did("upserts by a hidden column");
      by = dice_.one_of(closed);
    } else if (!unique.empty() && dice_.percent(60)) {
      by = dice_.one_of(unique);
    }
    if (by >= 0) {
      out.emplace_back("on_conflict", described(table).columns[static_cast<size_t>(by)].name);
    }
    if (mood_ == Mood::kPrying && described(table).tenant < 0) made_.exceptions.unique = true;
  }
  if (dice_.percent(15)) {
    did("create many");
    made_.request.body =
        "[" + body_of(table, true, nullptr) + "," + body_of(table, true, nullptr) + "]";
  } else {
    made_.request.body = body_of(table, true, nullptr, by);
  }
  if (upsert && by < 0 && !pool(table).seen.empty() && dice_.percent(60)) {
    // The row that is there, merged with itself.
    const Known& row = dice_.one_of(pool(table).seen);
    std::string body = made_.request.body;
    const auto& keys = described(table).key;
    if (body.starts_with("{") && body.ends_with("}") && keys.empty() && body.size() > 2 &&
        body.find("\"id\":") == std::string::npos) {
      made_.request.body = "{\"id\":" + to_json(row.row.values[0]) + "," + body.substr(1);
    }
  }
  made_.request.target = path(table) + encoded(out);
}

void Generator::put() {
  const int table = any_table();
  std::string address;
  const Known& row = known(table, true, address);
  did("put");
  made_.request.method = "PUT";
  made_.request.target = path(table, address);
  // Whose address is taken in one world only: a PUT would make the row in the other.
  for (const Known& hidden : pool(table).hidden) {
    if (hidden.address == address) made_.exceptions.unique = true;
  }
  headers_of_write(&row, described(table).require_if_match);
  if (dice_.percent(8)) header("If-None-Match", "*");
  header("Content-Type", "application/json");
  made_.request.body = body_of(table, true, row.row.values.empty() ? nullptr : &row);
}

void Generator::patch() {
  const int table = any_table();
  std::string address;
  const Known& row = known(table, true, address);
  did("patch");
  made_.request.method = "PATCH";
  Parameters out;
  if (dice_.percent(20)) out.emplace_back("select", select(table, 2, "", out));
  made_.request.target = path(table, address) + encoded(out);
  headers_of_write(&row, described(table).require_if_match);
  header("Content-Type", dice_.percent(70) ? "application/merge-patch+json" : "application/json");
  made_.request.body = body_of(table, false, row.row.values.empty() ? nullptr : &row);
}

void Generator::remove() {
  const int table = any_table();
  std::string address;
  const Known& row = known(table, true, address);
  did("delete");
  made_.request.method = "DELETE";
  made_.request.target = path(table, address);
  made_.exceptions.restricted = pool(table).restricted;
  headers_of_write(&row, described(table).require_if_match);
}

void Generator::by_filter() {
  const int table = any_table();
  Parameters out;
  did("change by filter");
  const bool removes = dice_.percent(35);
  made_.request.method = removes ? "DELETE" : "PATCH";
  filters(table, "", out, 2);
  if (!twins_.viewer.id.is_unknown() && dice_.percent(60)) {
    for (const std::string_view owner : {"user_id", "author_id"}) {
      if (described(table).find_column(owner) >= 0) {
        out.emplace_back(owner, "eq." + plain_text(twins_.viewer.id));
      }
    }
  }
  if (removes || dice_.percent(40)) {
    out.emplace_back("max_affected", std::to_string(dice_.from(0, removes ? 2 : 5)));
  }
  if (removes) made_.exceptions.restricted = pool(table).restricted;
  made_.request.target = path(table) + encoded(out);
  headers_of_write(nullptr, false);
  if (!removes) {
    header("Content-Type", "application/merge-patch+json");
    made_.request.body = body_of(table, false, nullptr);
  }
}

std::string Generator::operation(int number) {
  const int table = any_table();
  std::string address;
  const Known& row = known(table, true, address);
  const std::string place = "/" + described(table).name;
  const auto quoted_json = [](std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
  };
  const std::string match =
      !row.etag.empty() && dice_.percent(described(table).require_if_match ? 90 : 20)
          ? ",\"if_match\":" + quoted_json(row.etag)
          : "";
  switch (dice_.from(0, 3)) {
    case 0:
    case 1:
      return fmt::format(R"({{"method":"POST","path":{},"body":{},"as":"o{}"}})",
                         quoted_json(place), body_of(table, true, nullptr), number);
    case 2:
      if (dice_.percent(40)) {
        made_.exceptions.restricted = made_.exceptions.restricted || pool(table).restricted;
        return fmt::format(R"({{"method":"DELETE","path":{}{}}})",
                           quoted_json(place + "/" + address), match);
      }
      [[fallthrough]];
    default:
      return fmt::format(R"({{"method":"PATCH","path":{},"body":{}{}}})",
                         quoted_json(place + "/" + address),
                         body_of(table, false, row.row.values.empty() ? nullptr : &row), match);
  }
}

void Generator::batch() {
  did("batch");
  made_.request.method = "POST";
  made_.request.target = prefix_ + "/batch";
  header("Content-Type", "application/json");
  if (dice_.percent(15)) header("Idempotency-Key", fmt::format("key-{}", count_));
  std::string out;
  const int64_t operations = dice_.from(1, 3);
  for (int64_t i = 0; i < operations; ++i) {
    out += (out.empty() ? "" : ",") + operation(static_cast<int>(i));
  }
  made_.request.body = "{\"operations\":[" + out + "]}";
}

void Generator::own() {
  if (app_.own.empty()) return list();
  const OwnRequest& from = dice_.one_of(app_.own);
  did(from.what);
  const auto filled = [&](const std::string& text, bool in_target) {
    std::string out;
    for (size_t i = 0; i < text.size();) {
      const size_t end = text[i] == '{' ? text.find('}', i) : std::string::npos;
      const std::string name = end == std::string::npos ? "" : text.substr(i + 1, end - i - 1);
      const int table = app_.app->find_table(name.substr(0, name.find('.')));
      if (name != "n" && table < 0) {
        out += text[i++];
        continue;
      }
      i = end + 1;
      if (name == "n") {
        out += std::to_string(dice_.from(1, 5));
        continue;
      }
      const size_t dot = name.find('.');
      const int column =
          dot == std::string::npos ? 0 : described(table).find_column(name.substr(dot + 1));
      std::string address;
      const Known& row = known(table, true, address);
      const std::string value = row.row.values.empty()
                                    ? address
                                    : plain_text(row.row.values[static_cast<size_t>(column)]);
      out += in_target ? percent_encode(value) : value;
    }
    return out;
  };
  made_.request.method = from.method;
  made_.request.target = filled(from.target, true);
  made_.request.body = filled(from.body, false);
  if (!from.body.empty()) header("Content-Type", "application/json");
  if (!from.body.empty() && dice_.percent(15)) {
    header("Idempotency-Key", fmt::format("key-{}", count_));
  }
}

// A request that bore an Idempotency-Key, once more: as it was, or with another body.
void Generator::again() {
  if (keyed_.empty()) return create();
  const Asked& before = keyed_[dice_.index(keyed_.size())];
  made_ = before;
  did("Idempotency-Key again");
  if (dice_.percent(20)) made_.request.body += " ";
}

void Generator::odd() {
  const int table = any_table();
  std::string address;
  known(table, false, address);
  made_.request.target = path(table, dice_.percent(50) ? address : "");
  switch (dice_.from(0, 6)) {
    case 0:
      did("OPTIONS");
      made_.request.method = "OPTIONS";
      header("Origin", "https://forum.example");
      if (dice_.percent(50)) header("Access-Control-Request-Method", "POST");
      return;
    case 1:
      made_.request.method = "GET";
      made_.request.target = prefix_ + "/no_such_table/" + address;
      return;
    case 2:
      did("other method");
      made_.request.method = dice_.percent(50) ? "PUT" : "TRACE";
      made_.request.target = path(table);
      return;
    case 3:
      did("malformed");
      made_.request.method = "POST";
      header("Content-Type", "application/json");
      made_.request.target = path(table);
      made_.request.body = "{\"a\":" + std::string(dice_.index(3), '[');
      return;
    case 4:
      did("no acceptable form");
      made_.request.method = "GET";
      header("Accept", "text/csv");
      return;
    case 5:
      made_.request.method = "GET";
      made_.request.target = dice_.percent(80)   ? "/livez"
                             : dice_.percent(50) ? "/metrics"
                                                 : "/openapi.json";
      return;
    default:
      did("wild query");
      made_.request.method = "GET";
      made_.request.target = path(table) + (dice_.percent(50) ? "?select=*,(&order=..&or=((("
                                                              : "?id=eq.%zz&select=id");
  }
}

void Generator::learn(const Asked& asked, const Answer& answer) {
  const std::string etag = answer.header("ETag");
  if (!asked.list.empty() && answer.status == 200 && asked.request.method == "GET") {
    if (!etag.empty()) remember(tags_, {asked.request.target, etag});
    const auto document = JsonDocument::parse(answer.body);
    if (document) {
      const auto cursor = document->root().find("next_cursor");
      if (cursor && cursor->is_string()) remember(cursors_, {asked.list, cursor->text()});
    }
  }
  for (const auto& [name, value] : asked.request.headers) {
    if (name == "Idempotency-Key" && !asked.does.contains("Idempotency-Key again")) {
      remember(keyed_, asked);
    }
  }
  if (answer.status >= 300 || etag.empty() || !asked.list.empty()) return;
  const std::string made = answer.header("Location");
  const std::string_view target = asked.request.target;
  if (made.empty() && target.find('?') != std::string_view::npos) return;  // a hash of its shape
  const std::string place = made.empty() ? std::string(target) : made;
  for (int t = 0; t < static_cast<int>(pools_.size()); ++t) {
    const std::string start = path(t) + "/";
    if (!place.starts_with(start)) continue;
    const std::string address = place.substr(start.size());
    for (Known& row : pool(t).seen) {
      if (row.address == address) row.etag = etag;
    }
    if (made.empty() || pool(t).seen.size() > 200) continue;
    Known fresh;
    fresh.address = address;
    fresh.etag = etag;
    if (described(t).key.empty() && !pool(t).seen.empty()) {
      fresh.row = fresh.other = pool(t).seen[0].row;
      const Kind kind = fresh.row.values[0].kind();
      if (kind == Kind::kUuid) {
        const auto id = parse_uuid(address);
        if (!id) continue;
        fresh.row.values[0] = fresh.other.values[0] = Value(*id);
      } else {
        fresh.row.values[0] = fresh.other.values[0] = Value(int64_t{std::stoll(address)});
      }
    }
    pool(t).seen.push_back(std::move(fresh));
  }
}

}  // namespace mettle::twins
