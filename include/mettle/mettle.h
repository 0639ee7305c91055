// Mettle as a library: serve an app file from a C++ program of your own and write commands as C++
// functions. Unstable until 1.0. Standard types only; C++17 and later.
//
//   # mettle.yaml
//   commands:
//     quote:
//       input: {order_id: {references: orders}}
//       access: "auth.signed_in"
//       handler: library
//
//   int main() {
//     std::string faults;
//     auto app = mettle::App::load("mettle.yaml", faults);
//     if (!app) return std::fputs(faults.c_str(), stderr), 1;
//     app->command("quote", [](mettle::Call& call) {
//       auto items = call.rows("order_items", "row.order_id == input.order_id");
//       if (!items) return mettle::Answer::nothing();  // the error is answered already
//       return mettle::Answer::json(total_of(*items));
//     });
//     return app->serve({{"listen", "127.0.0.1:8080"}});
//   }
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mettle {

// What a command's function sees and may do. It runs inside the command's transaction: what it
// does through the call commits with the answer, or not at all. It waits for nothing else (the
// database writes nothing meanwhile), keeps nothing between calls, and may be called again from
// the start when the database repeats the transaction.
//
// After the first error rows() and run() give nullopt and do nothing, and the command answers that
// error, whatever the function returns.
class Call {
 public:
  virtual ~Call() = default;
  virtual std::string_view input() const = 0;  // JSON object, checked as the file declares it
  virtual std::string_view auth() const = 0;   // JSON object: {"signed_in":true,"id":…,"roles":[…]}
  virtual std::string_view request_id() const = 0;

  // The rows of a table for which a rule of the app file's language is true, in order of their
  // ids, as a JSON array. The rule may name `row`, `input`, `auth` and `now`. Acts for the app, not
  // the caller: the table's access rules do not apply.
  virtual std::optional<std::string> rows(std::string_view table, std::string_view rule) = 0;
  // Operations as POST /api/v1/batch takes them, a JSON array; gives their results, a JSON array.
  // For the app, too.
  virtual std::optional<std::string> run(std::string_view operations) = 0;
  // Whether an error has happened.
  virtual bool failed() const = 0;
};

// What a command answers.
struct Answer {
  int status = 204;
  std::string body;                   // JSON, with 200
  std::string code, detail, pointer;  // of a problem: status 400 to 499

  static Answer json(std::string body);  // REQUIRES: one JSON value
  static Answer nothing();
  // {"status":409,"code":"sold_out",…}; nothing of the command is kept. `pointer` names a member of
  // the input, as RFC 6901 has it ("/items/2"), or is empty.
  static Answer refuse(int status, std::string code, std::string detail, std::string pointer = {});
};

using Function = std::function<Answer(Call& call)>;
// Names and values as in `mettle config`: {"listen", "127.0.0.1:8080"}, {"data", "./data"}. What is
// not given comes from METTLE_* and the defaults.
using Settings = std::vector<std::pair<std::string, std::string>>;

// An app file and its server. One thread makes it, calls it and ends it.
class App {
 public:
  // Reads and checks the file. nullptr with what `mettle check` would print in `faults`.
  static std::unique_ptr<App> load(const std::string& file, std::string& faults);
  ~App();  // stops
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  // The function of a command that the file declares with `handler: library`. Before start().
  void command(std::string name, Function function);

  // Brings the database to fit the file and serves it, until stop(). False with what is wrong in
  // `faults`. Once.
  bool start(const Settings& settings, std::string& faults);
  std::uint16_t port() const;  // that was taken: of listen's
  // Lets requests that run finish. True unless some had to be cancelled.
  bool stop();

  // start(), a line on stderr, until SIGTERM or SIGINT, stop(): the exit code for main().
  int serve(const Settings& settings = {});

 private:
  struct Parts;
  explicit App(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace mettle
