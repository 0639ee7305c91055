// Mettle inside a C++ program: the app file declares the command `quote` with `handler: library`,
// and this is the library. Build: the target embed_example; run it in this folder.
#include <mettle/mettle.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

// The text or number behind `"name":` in a flat JSON object. A real program brings its JSON
// library.
std::string member(std::string_view json, std::string_view name) {
  const std::string key = "\"" + std::string(name) + "\":";
  const size_t at = json.find(key);
  if (at == std::string_view::npos) return "";
  size_t begin = at + key.size();
  const bool quoted = json[begin] == '"';
  if (quoted) ++begin;
  const size_t end = json.find_first_of(quoted ? "\"" : ",}", begin);
  return std::string(json.substr(begin, end - begin));
}

// "2.50" → 250
long cents_of(const std::string& decimal) {
  std::string digits;
  for (const char c : decimal) {
    if (c != '.') digits += c;
  }
  return std::strtol(digits.c_str(), nullptr, 10);
}

mettle::Answer quote(mettle::Call& call) {
  const auto zones = call.rows("zones", "row.code == input.zone");
  if (!zones) return mettle::Answer::nothing();  // the error is answered already
  if (*zones == "[]") {
    return mettle::Answer::refuse(404, "no_such_zone", "we do not deliver there", "/zone");
  }
  const long grams = std::strtol(member(call.input(), "grams").c_str(), nullptr, 10);
  const long kilos = (grams + 999) / 1000;
  const long cents = 390 + kilos * cents_of(member(*zones, "per_kg"));
  const std::string row = "{\"zone_id\":\"" + member(*zones, "id") +
                          "\",\"grams\":" + std::to_string(grams) +
                          ",\"cents\":" + std::to_string(cents) + "}";
  // Commits with the answer, or not at all.
  if (!call.run("[{\"method\":\"POST\",\"path\":\"/quotes\",\"body\":" + row + "}]")) {
    return mettle::Answer::nothing();
  }
  return mettle::Answer::json("{\"cents\":" + std::to_string(cents) + "}");
}

}  // namespace

int main(int argc, char** argv) {
  std::string faults;
  const auto app = mettle::App::load(argc > 1 ? argv[1] : "mettle.yaml", faults);
  std::fputs(faults.c_str(), stderr);
  if (!app) return 1;
  app->command("quote", &quote);
  mettle::Settings settings;  // METTLE_LISTEN, METTLE_DATA and the others hold here, too
  return app->serve(settings);
}
