#include "model/print.h"

#include <algorithm>

#include "base/json_write.h"
#include "base/text.h"
#include "model/yaml_text.h"

namespace mettle::model {

namespace {

// The column in characters.
int shown_column(const FileFault& fault, std::string_view line) {
  if (fault.pos.column <= 0) return fault.pos.column;
  const size_t bytes = static_cast<size_t>(fault.pos.column - 1);
  if (bytes > line.size()) return fault.pos.column;
  return static_cast<int>(count_code_points(line.substr(0, bytes))) + 1;
}

std::string_view severity_name(const FileFault& fault) {
  return fault.severity == FileFault::Severity::kError ? "error" : "warning";
}

void append_place(std::string& out, std::string_view line, const FileFault& fault) {
  constexpr size_t kShown = 160;  // bytes before the caret and after
  const size_t at = std::min(static_cast<size_t>(std::max(fault.pos.column - 1, 0)), line.size());
  if (line.empty() || at > kShown) return;
  const std::string shown = to_valid_utf8(line.substr(0, kShown));
  out.append("  ").append(shown).append(line.size() > kShown ? " …\n  " : "\n  ");
  for (size_t i = 0; i < at; ++i) {
    if ((static_cast<unsigned char>(line[i]) & 0xC0) != 0x80) out += line[i] == '\t' ? '\t' : ' ';
  }
  out += "^\n";
}

}  // namespace

std::string print_faults(const std::vector<FileFault>& faults, std::string_view file,
                         std::string_view text) {
  std::string out;
  const Lines lines(text);
  for (const FileFault& fault : faults) {
    const std::string_view line = lines.line(fault.pos.line);
    out += file;
    if (fault.pos.line > 0) {
      out += ":" + std::to_string(fault.pos.line) + ":" + std::to_string(shown_column(fault, line));
    }
    out.append(": ").append(severity_name(fault)).append(": ").append(fault.message);
    out.append(" [").append(fault.code).append("]\n");
    append_place(out, line, fault);
    if (fault.fix.empty()) continue;
    if (fault.fix.find('\n') == std::string::npos) {
      const size_t start = std::min(fault.fix.find_first_not_of(' '), fault.fix.size());
      out.append("  fix: ").append(fault.fix.substr(start)).append("\n");
      continue;
    }
    out += "  fix:\n";
    for (const std::string_view part : split(fault.fix, '\n')) {
      out.append("    ").append(part).append("\n");
    }
  }
  return out;
}

std::string faults_json(const std::vector<FileFault>& faults, std::string_view file,
                        std::string_view text) {
  std::string out;
  const Lines lines(text);
  JsonWriter json(out);
  const auto pair = [&json](std::string_view key, std::string_view value) {
    json.key(key);
    json.string(value);
  };
  json.begin_array();
  for (const FileFault& fault : faults) {
    const std::string_view line = lines.line(fault.pos.line);
    json.begin_object();
    pair("severity", severity_name(fault));
    pair("file", file);
    json.key("line");
    json.integer(fault.pos.line);
    json.key("column");
    json.integer(shown_column(fault, line));
    pair("path", fault.path);
    pair("code", fault.code);
    pair("message", fault.message);
    pair("fix", fault.fix);
    json.end_object();
  }
  json.end_array();
  return out;
}

}  // namespace mettle::model
