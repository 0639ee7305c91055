// The description of the keys as JSON Schema and as a reference page.
#include <map>

#include "base/json_write.h"
#include "model/keys.h"

namespace mettle::model {

namespace {

using Form = Spec::Form;

constexpr std::string_view kNamePattern = "^[a-z][a-z0-9_]{0,47}$";

// JSON text with line breaks and two spaces a level.
std::string indented(std::string_view json) {
  std::string out;
  int depth = 0;
  bool in_string = false;
  const auto line = [&] { out.append("\n").append(static_cast<size_t>(depth) * 2, ' '); };
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      out += c;
      if (c == '\\') out += json[++i];
      if (c == '"') in_string = false;
    } else if (c == '{' || c == '[') {
      out += c;
      if (json[i + 1] == '}' || json[i + 1] == ']') continue;
      ++depth;
      line();
    } else if (c == '}' || c == ']') {
      if (json[i - 1] != '{' && json[i - 1] != '[') {
        --depth;
        line();
      }
      out += c;
    } else {
      out += c;
      if (c == '"') in_string = true;
      if (c == ',') line();
      if (c == ':') out += ' ';
    }
  }
  return out + "\n";
}

std::string def_name(const Spec& spec) {
  std::string name(spec.title);
  for (char& c : name) {
    if (c == ' ') c = '_';
  }
  return name;
}

class SchemaWriter {
 public:
  std::string write() {
    JsonWriter out(text_);
    out.begin_object();
    pair(out, "$schema", "https://json-schema.org/draft/2020-12/schema");
    pair(out, "title", "mettle.yaml");
    object_body(out, app_spec());
    out.key("$defs");
    out.begin_object();
    // Writing one may find others.
    for (size_t i = 0; i < defs_.size(); ++i) {
      out.key(def_name(*defs_[i]));
      out.begin_object();
      object_body(out, *defs_[i]);
      out.end_object();
    }
    out.end_object();
    out.end_object();
    return indented(text_);
  }

 private:
  static void pair(JsonWriter& out, std::string_view key, std::string_view value) {
    out.key(key);
    out.string(value);
  }

  void object_body(JsonWriter& out, const Spec& spec) {
    if (!spec.doc.empty()) pair(out, "description", spec.doc);
    pair(out, "type", "object");
    out.key("properties");
    out.begin_object();
    for (const Key& key : spec.keys) {
      if (!key.available) continue;
      out.key(key.name);
      out.begin_object();
      if (!key.doc.empty()) pair(out, "description", key.doc);
      if (!key.example.empty()) {
        out.key("$comment");
        out.string(key.example);
      }
      body(out, key.value());
      out.end_object();
    }
    out.end_object();
    out.key("required");
    out.begin_array();
    for (const Key& key : spec.keys) {
      if (key.required) out.string(key.name);
    }
    out.end_array();
    out.key("additionalProperties");
    out.boolean(false);
  }

  void reference(JsonWriter& out, const Spec& spec) {
    size_t i = 0;
    while (i < defs_.size() && defs_[i] != &spec) ++i;
    if (i == defs_.size()) defs_.push_back(&spec);
    pair(out, "$ref", "#/$defs/" + def_name(spec));
  }

  static void types(JsonWriter& out, std::initializer_list<std::string_view> names) {
    out.key("type");
    out.begin_array();
    for (const std::string_view name : names) out.string(name);
    out.end_array();
  }

  void collection(JsonWriter& out, const Spec& spec) {
    const bool list = spec.form == Form::kList;
    pair(out, "type", list ? "array" : "object");
    if (list && spec.min > 0) {
      out.key("minItems");
      out.integer(spec.min);
    }
    if (!list && spec.key_form == Form::kName) {
      out.key("propertyNames");
      out.begin_object();
      pair(out, "pattern", kNamePattern);
      out.end_object();
    }
    out.key(list ? "items" : "additionalProperties");
    out.begin_object();
    body(out, spec.element());
    out.end_object();
  }

  void body(JsonWriter& out, const Spec& spec) {
    switch (spec.form) {
      case Form::kText:
      case Form::kRule:
      case Form::kSql:
        pair(out, "type", "string");
        break;
      case Form::kName:
        pair(out, "type", "string");
        pair(out, "pattern", kNamePattern);
        break;
      case Form::kDuration:
        pair(out, "type", "string");
        pair(out, "pattern", "^([0-9]+(d|h|m|s|ms|us))+$");
        break;
      case Form::kInt:
        pair(out, "type", "integer");
        out.key("minimum");
        out.integer(spec.min);
        if (spec.max != INT64_MAX) {
          out.key("maximum");
          out.integer(spec.max);
        }
        break;
      case Form::kBool:
        if (spec.choices.empty()) {
          pair(out, "type", "boolean");
        } else {
          out.key("enum");
          out.begin_array();
          out.boolean(true);
          out.boolean(false);
          for (const std::string_view choice : spec.choices) out.string(choice);
          out.end_array();
        }
        break;
      case Form::kChoice:
        out.key("enum");
        out.begin_array();
        for (const std::string_view choice : spec.choices) out.string(choice);
        out.end_array();
        break;
      case Form::kLiteral:
        types(out, {"string", "number", "boolean"});
        break;
      case Form::kValue:
        types(out, {"string", "number", "boolean", "null", "object", "array"});
        break;
      case Form::kList:
      case Form::kMap:
        collection(out, spec);
        break;
      case Form::kObject:
        reference(out, spec);
        break;
      case Form::kEither:
        out.key("anyOf");
        out.begin_array();
        for (const SpecRef one : spec.either) {
          out.begin_object();
          body(out, one());
          out.end_object();
        }
        out.end_array();
        break;
    }
  }

  std::string text_;
  std::vector<const Spec*> defs_;
};

std::string anchor(std::string_view title) {
  std::string out(title);
  for (char& c : out) {
    if (c == ' ') c = '-';
  }
  return out;
}

class ReferenceWriter {
 public:
  std::string write() {
    out_ =
        "# The app file\n\n"
        "`mettle.yaml` describes the whole backend. This page is made from the same description\n"
        "of the keys as the checks of `mettle check` and the JSON Schema of `mettle schema`.\n\n"
        "YAML is taken without its traps: no tags, anchors, aliases, merge keys or second\n"
        "documents; no key twice; spaces only; UTF-8 without byte order mark, at most 1 MiB.\n"
        "Text that YAML would take for something else stands in quotes, and so do rules.\n";
    objects_.push_back(&app_spec());
    for (size_t i = 0; i < objects_.size(); ++i) section(*objects_[i]);
    reserved();
    return out_;
  }

 private:
  void section(const Spec& spec) {
    out_ += "\n## " + std::string(spec.title) + "\n\n" + std::string(spec.doc) +
            "\n\n| key | value | default | meaning |\n|---|---|---|---|\n";
    std::string examples;
    for (const Key& key : spec.keys) {
      const std::string name = "`" + std::string(key.name) + "`";
      if (!key.available) {
        out_ += "| " + name + " | | | Not available in this version. |\n";
        continue;
      }
      const std::string fallback =
          key.required ? "required" : (key.fallback.empty() ? "" : std::string(key.fallback));
      out_ += "| " + name + " | " + escaped(kind(key.value())) + " | " + escaped(fallback) + " | " +
              escaped(std::string(key.doc)) + " |\n";
      if (!key.example.empty()) examples += std::string(key.example) + "\n";
    }
    if (!examples.empty()) out_ += "\n```yaml\n" + examples + "```\n";
  }

  static std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text) {
      if (c == '|') out += '\\';
      out += c;
    }
    return out;
  }

  // What stands behind a key, with a link where it has keys of its own.
  std::string kind(const Spec& spec) {
    switch (spec.form) {
      case Form::kObject: {
        size_t i = 0;
        while (i < objects_.size() && objects_[i] != &spec) ++i;
        if (i == objects_.size()) objects_.push_back(&spec);
        return "[" + std::string(spec.title) + "](#" + anchor(spec.title) + ")";
      }
      case Form::kList:
        return "list: " + kind(spec.element());
      case Form::kMap:
        return (spec.key_form == Form::kName ? "name → " : "text → ") + kind(spec.element());
      case Form::kEither: {
        std::string out;
        for (const SpecRef one : spec.either) {
          if (!out.empty()) out += ", or ";
          out += kind(one());
        }
        return out;
      }
      case Form::kName:
        return "name";
      case Form::kRule:
        return "rule";
      case Form::kDuration:
        return "duration";
      case Form::kChoice: {
        std::string out;
        for (const std::string_view choice : spec.choices) {
          if (!out.empty()) out += ", ";
          out.append("`").append(choice).append("`");
        }
        return out;
      }
      default:
        return describe(spec);
    }
  }

  void reserved() {
    out_ +=
        "\n## Names\n\nNames match `^[a-z][a-z0-9_]{0,47}$`. Tables may not begin with `mettle_`,"
        " `sqlite_` or `pg_`. These words are reserved:\n\n"
        "| word | not as | because it is |\n|---|---|---|\n";
    for (const ReservedWord& word : reserved_words()) {
      std::string where;
      const auto add = [&](bool on, std::string_view what) {
        if (on) where.append(where.empty() ? "" : ", ").append(what);
      };
      add(word.table, "table");
      add(word.column, "column");
      add(word.name, "`let`, `as`, `each`");
      out_ +=
          "| `" + std::string(word.word) + "` | " + where + " | " + std::string(word.why) + " |\n";
    }
    out_ += "\n`id`, `created_at`, `updated_at` and `version` are columns of every table.\n";
  }

  std::string out_;
  std::vector<const Spec*> objects_;
};

}  // namespace

std::string json_schema() {
  return SchemaWriter().write();
}

std::string reference_markdown() {
  return ReferenceWriter().write();
}

}  // namespace mettle::model
