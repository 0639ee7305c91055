#include "features/openapi/pages.h"

#include "base/error.h"
#include "features/openapi/openapi.h"

namespace mettle::openapi {

namespace {

constexpr std::string_view kStyle =
    "body{margin:0;font:16px/1.5 system-ui,sans-serif;color:#0f172a;background:#fff}"
    "main,header{max-width:1200px;margin:0 auto;padding:16px 20px}"
    "header{display:flex;gap:20px;align-items:baseline;border-bottom:1px solid #e2e8f0}"
    "h1{font-size:22px;margin:0}h2{font-size:18px}a{color:#1d4ed8}"
    ".tables{overflow:auto;border:1px solid #e2e8f0;border-radius:8px;background:#f8fafc}"
    "svg .box{fill:#fff;stroke:#94a3b8}svg .name{font:600 14px system-ui,sans-serif;fill:#0f172a}"
    "svg .column{font:13px ui-monospace,monospace;fill:#0f172a}"
    "svg .type{font:12px ui-monospace,monospace;fill:#64748b;text-anchor:end}"
    "svg .reference{fill:none;stroke:#64748b;stroke-width:1.5}svg .optional{stroke-dasharray:5 "
    "4}svg .head{fill:#64748b}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:6px "
    "10px;border-bottom:1px solid #e2e8f0}"
    "code{font:14px ui-monospace,monospace}tr:target{background:#fef9c3}";

constexpr std::string_view kDocsScript =
    "window.addEventListener('load', function () {\n"
    "  SwaggerUIBundle({url: '/openapi.json', dom_id: '#swagger', deepLinking: true, docExpansion: "
    "'list',\n"
    "                   defaultModelsExpandDepth: 0, validatorUrl: null});\n"
    "});\n";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '&') {
      out += "&amp;";
    } else if (c == '"') {
      out += "&quot;";
    } else {
      out += c;
    }
  }
  return out;
}

std::string page(std::string_view title, std::string_view head, std::string_view body) {
  return fmt::format(
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" "
      "content=\"width=device-width,initial-scale=1\"><title>{}</title><style>{}</style>{}"
      "</head><body>{}</body></html>",
      title, kStyle, head, body);
}

// The codes that steps of commands and routes answer with.
void collect(const std::vector<model::Step>& steps, std::map<std::string, int>& codes) {
  for (const model::Step& step : steps) {
    if (step.otherwise && !step.otherwise->code.empty())
      codes[step.otherwise->code] = step.otherwise->status;
    collect(step.steps, codes);
  }
}

}  // namespace

std::string_view docs_script() {
  return kDocsScript;
}

std::string docs_page(const engine::Snapshot& app) {
  const std::string name = escaped(app.model().app);
  const std::string body = fmt::format(
      "<header><h1>{}</h1><a href=\"#tables\">tables</a><a href=\"/openapi.json\">openapi.json</a>"
      "<a href=\"/docs/errors\">error codes</a></header>"
      "<div id=\"swagger\"></div><main><h2 id=\"tables\">Tables</h2><div "
      "class=\"tables\">{}</div></main>",
      name, svg_diagram(app.model()));
  return page(
      name + " API",
      "<link rel=\"stylesheet\" href=\"/docs/swagger-ui.css\">"
      "<script src=\"/docs/swagger-ui-bundle.js\"></script><script src=\"/docs/docs.js\"></script>",
      body);
}

std::string errors_page(const engine::Snapshot& app) {
  std::map<std::string, int> own;
  for (const model::Command& command : app.model().commands) collect(command.steps, own);
  for (const model::Route& route : app.model().routes) collect(route.steps, own);
  std::string rows;
  for (const auto& [code, status] : own) {
    rows +=
        fmt::format("<tr id=\"{0}\"><td><code>{0}</code></td><td>{1}</td><td>of this app</td></tr>",
                    escaped(code), status);
  }
  for (const CodeInfo& info : all_codes()) {
    if (info.status == 0) continue;
    rows += fmt::format("<tr id=\"{0}\"><td><code>{0}</code></td><td>{1}</td><td>{2}</td></tr>",
                        info.name, info.status, escaped(info.title));
  }
  return page("Error codes", "",
              fmt::format("<header><h1>Error codes</h1><a "
                          "href=\"/docs\">API</a></header><main><p>Every error is an "
                          "<code>application/problem+json</code> document (RFC 9457); its "
                          "<code>code</code> is one of "
                          "these, and so is the code of each entry in its "
                          "<code>errors</code>.</p><table><thead><tr>"
                          "<th>code</th><th>status</th><th>meaning</th></tr></thead><tbody>{}</"
                          "tbody></table></main>",
                          rows));
}

}  // namespace mettle::openapi
