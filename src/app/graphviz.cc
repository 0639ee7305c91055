#include "app/graphviz.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace mettle::app {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
// Files rather than pipes: neither side can wait for the other.
using TemporaryFile = std::unique_ptr<std::FILE, CloseFile>;

Result<> run_dot(std::FILE* in, std::FILE* out) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fileno(in), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, fileno(out), STDOUT_FILENO);
  std::string program = "dot", format = "-Tsvg";
  char* const words[] = {program.data(), format.data(), nullptr};
  pid_t pid = 0;
  const int refused = posix_spawnp(&pid, program.c_str(), &actions, nullptr, words, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (refused == ENOENT) {
    return fail(Code::kUnavailable,
                "SVG is drawn by Graphviz, which is not installed; apt-get install graphviz, or "
                "take --format mermaid or dot");
  }
  if (refused != 0) {
    return fail(Code::kUnavailable,
                fmt::format("Graphviz's dot cannot be run: {}", std::strerror(refused)));
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return fail(Code::kUnavailable, fmt::format("Graphviz's dot failed (status {})", status));
}

}  // namespace

Result<std::string> svg_of_dot(const std::string& dot) {
  const TemporaryFile in(std::tmpfile()), out(std::tmpfile());
  const bool filled = in && out && std::fwrite(dot.data(), 1, dot.size(), in.get()) == dot.size() &&
                      std::fflush(in.get()) == 0 && std::fseek(in.get(), 0, SEEK_SET) == 0;
  if (!filled) return fail(Code::kUnavailable, "a temporary file cannot be written");
  TRY_VOID(run_dot(in.get(), out.get()));
  std::string svg;
  char buffer[16384];
  if (std::fseek(out.get(), 0, SEEK_SET) != 0) {
    return fail(Code::kUnavailable, "a temporary file cannot be read");
  }
  for (size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, out.get())) > 0;) {
    svg.append(buffer, n);
  }
  return svg;
}

}  // namespace mettle::app
