#!/usr/bin/env python3
"""Plants each fault that lint.py must find, and beside it the nearest right code, which it must not."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import lint  # noqa: E402

HEADER = "// What it is for.\n#pragma once\n"


def findings(files):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "cmake").mkdir()
        (root / "cmake/folders.cmake").write_text("base async net db db/sqlite model rules records engine app prove src/features/*")
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        return lint.lint(root)


class Lint(unittest.TestCase):
    def finds(self, rule, text, path="src/engine/x.cc", **more):
        found = findings({path: text, **more})
        self.assertIn(rule, [finding[2] for finding in found], f"{path}: {text!r} gave {found}")
        message = next(finding[3] for finding in found if finding[2] == rule)
        self.assertGreater(len(message.split()), 6, "a message says the reason and the way out")
        return found

    def clean(self, text, path="src/engine/x.cc", more=None):
        self.assertEqual(findings({path: text, **(more or {})}), [])

    def test_layers_go_down_only(self):
        self.finds("layer", '#include "engine/pipeline.h"\n', "src/records/x.cc")
        self.finds("layer", '#include "net/http.h"\n', "src/db/x.cc")
        self.finds("layer", '#include "db/db.h"\n', "src/net/x.cc")
        self.finds("layer", '#include "rules/rules.h"\n', "src/model/x.cc")
        self.finds("layer", '#include "async/core.h"\n', "src/base/x.cc")
        self.finds("layer", '#include "db/db.h"\n', "src/prove/x.cc")
        self.finds("layer", '#include "db/sqlite/store.h"\n', "src/records/x.cc")
        self.finds("layer", '#include "db/connection.h"\n', "src/rules/x.cc")
        self.finds("layer", '#include "base/value.h"\n', "include/mettle/x.h")
        self.clean('#include "model/app_model.h"\n#include "db/dialect.h"\n', "src/rules/x.cc")
        self.clean('#include "net/http.h"\n', "src/prove/x.cc")
        self.clean('#include "db/sqlite/store.h"\n', "src/app/x.cc")

    def test_features_include_each_other_only_as_listed(self):
        use = '#include "features/auth/auth.h"\n'
        deps = {"tools/feature_deps.txt": "data: auth\n"}
        self.finds("layer", use, "src/features/data/x.cc")
        self.clean(use, "src/features/data/x.cc", deps)
        self.finds("layer", '#include "features/auth/auth_store.h"\n', "src/features/data/x.cc", **deps)
        self.finds("feature-cycle", "", "src/engine/x.cc", **{"tools/feature_deps.txt": "a: b\nb: c\nc: a\n"})

    def test_third_party_is_named_once(self):
        self.finds("third-party", "#include <sqlite3.h>\n")
        self.finds("third-party", "#include <simdjson.h>\n")
        self.finds("third-party", "#include <boost/beast.hpp>\n", "src/net/x.cc")
        self.finds("third-party", "#include <rapidjson/reader.h>\n")
        self.finds("third-party", "#include <gtest/gtest.h>\n")
        self.clean("#include <sqlite3.h>\n", "src/db/sqlite/x.cc")
        self.clean("#include <sys/socket.h>\n#include <fmt/format.h>\n#include <vector>\n", "src/net/x.cc")
        self.clean("#include <gtest/gtest.h>\n", "src/net/x_test.cc")
        self.clean("#include <zlib.h>\n", "src/net/compress_test.cc")
        self.finds("third-party", "#include <zlib.h>\n", "src/net/other_test.cc")

    def test_sizes(self):
        body = "".join(f"  int a{i} = {i};\n" for i in range(69))
        self.finds("function-size", "int f() {\n" + body + "}\n")
        self.finds("function-size", "namespace a {\nclass C {\n public:\n  C() : a_{1}, b_(2) {\n" + body + "  }\n};\n}\n")
        self.finds("function-size", "template <class T>\nauto f(T t) -> int {\n  if (t) {\n" + body + "  }\n}\n")
        self.clean("int f() {\n" + body[:body.index("  int a60")] + "}\nint g() {\n" + body[:body.index("  int a60")] + "}\n")
        self.clean("class C {\n public:\n  int f(int a);\n" + "  int b;\n" * 90 + "};\n")
        self.clean("const int kTable[] = {\n" + "  1,\n" * 90 + "};\nconst Map kMap{\n" + "  {1},\n" * 90 + "};\n")
        self.finds("file-size", "int a;\n" * 801)
        self.finds("file-size", HEADER + "int a;\n" * 199, "src/engine/x.h")
        self.finds("line-length", "// " + "x" * 98 + "\n")
        self.clean("// see https://example.com/" + "x" * 98 + "\n")

    def test_banned_calls(self):
        for rule, code in [
                ("clock", "auto a = std::chrono::steady_clock::now();"), ("clock", "time(nullptr);"), ("clock", "gettimeofday(&a, b);"),
                ("random", "std::random_device a;"), ("random", "int a = rand();"), ("sleep", "std::this_thread::sleep_for(a);"),
                ("sleep", "usleep(1);"), ("environment", 'auto a = std::getenv("A");'), ("output", "std::cout << 1;"),
                ("output", 'printf("a");'), ("regex", "std::regex a;"), ("exit", "exit(1);"), ("exit", "std::_Exit(1);"),
                ("abort", "std::abort();"), ("raw-memory", "auto a = new Thing();"), ("raw-memory", "delete thing;"),
                ("raw-memory", "delete[] things;"), ("spawn", "asio::co_spawn(a, b, c);"), ("throw", "throw Wrong();"),
                ("thread", "std::thread t(f);")]:
            self.finds(rule, f"void f() {{\n  {code}\n}}\n")

    def test_near_misses_of_banned_calls(self):
        for code in ["value.time();", "TimeOfDay time() const;", "co_await sleep_for(ctx, a);", "snprintf(a, b, c);", "request.exit();",
                     "std::unique_ptr<A>(new A(b));", "A(const A&) = delete;", "int randomize(int a);", "new (place) int;",
                     "// throw away, exit(1), std::cout", 'auto a = "throw exit(1) new Thing delete x";', "int news = 1;",
                     "Timestamp now() override;", "std::mutex strand;", "void abort();", "socket.abort();", "int on_exit(int a);"]:
            self.clean(f"void f() {{\n  {code}\n}}\n")
        self.clean("auto a = std::chrono::steady_clock::now();\n", "src/base/seams.cc")
        self.clean("auto a = getenv(x);\n", "src/app/main.cc")
        self.clean("auto a = R\"(throw exit(1); std::cout)\";\n")

    def test_coroutines(self):
        self.finds("lambda-coroutine", "auto f = [x]() -> Task<int> {\n  co_return x;\n};\n")
        self.finds("lambda-coroutine", "run([&](Context& c) mutable -> Task<> { co_await g(c); });\n")
        self.clean("auto f = [](Context& c) -> Task<int> { co_return 1; };\n")
        self.clean("auto f = [x] { return [](int y) -> Task<int> { co_return y; }; };\n")
        self.clean("void f() {\n  a[i] = 1;\n  [[maybe_unused]] int b;\n}\n")
        self.finds("await-temporary", "Task<> f() {\n  co_await save(ctx, Options{1, 2});\n}\n")
        self.finds("await-temporary", "Task<> f() {\n  CO_TRY(auto a, co_await save({1, 2}));\n}\n")
        self.clean("Task<> f() {\n  if (co_await g(a)) {\n    h();\n  }\n  while (!co_await g(a)) {\n  }\n}\n")
        self.clean("Task<> f() {\n  Options o{1};\n  CO_TRY(auto a, co_await save(ctx, o));\n  if (a) {\n  }\n}\n")
        self.clean("Task<> f() {\n  co_await run(a, {}, b);\n}\n")
        self.finds("await-temporary", "Task<> f() {\n  co_await run(a, {}, {1});\n}\n")
        self.clean("Task<> f() {\n  co_await blocking(ctx, [&] { return 1; });\n}\n")

    def test_header_form(self):
        self.finds("pragma-once", "// What.\nint f();\n", "src/base/x.h")
        self.finds("header-essay", "#pragma once\n", "src/base/x.h")
        self.clean(HEADER, "src/base/x.h")

    def test_names_notes_and_stray_words(self):
        self.finds("name", "int a;\n", "src/base/string_util.cc")
        self.finds("name", "int a;\n", "src/net/common/x.cc")
        self.finds("issue", "// TODO: later\n")
        self.clean("// TODO(#12): when PostgreSQL comes\n")
        self.finds("stray", "// see /" + "work/main\n")
        self.finds("unbuilt", "int a;\n", "src/lost/x.cc")
        self.clean("// a homework/main, framework/x\n")

    def test_an_excuse_names_its_rule_and_reason(self):
        self.clean("// lint: allow exit because the child of a fork must not run destructors\nvoid f() { _exit(1); }\n")
        self.finds("exit", "// lint: allow exit because no\nvoid f() { _exit(1); }\n")
        self.finds("exit", "// lint: allow throw because the reason is long enough\nvoid f() { _exit(1); }\n")

    def test_findings_name_the_line(self):
        found = findings({"src/engine/x.cc": "int a;\n/* two\nlines */\nvoid f() {\n  exit(1);\n}\n"})
        self.assertEqual([(path, line, rule) for path, line, rule, _ in found], [("src/engine/x.cc", 5, "exit")])


if __name__ == "__main__":
    unittest.main()
