// The keys of a value: of columns, of input and of what is returned.
#include "model/keys_forms.h"

namespace mettle::model::forms {

const Spec& column_type() {
  static const Spec spec{.form = Form::kChoice,
                         .choices = {"text", "int", "float", "decimal", "bool", "date", "time",
                                     "timestamp", "uuid", "json", "bytes", "enum", "file"}};
  return spec;
}
const Spec& precision() {
  static const Spec spec{.form = Form::kInt, .min = 1, .max = 18};
  return spec;
}
const Spec& scale() {
  static const Spec spec{.form = Form::kInt, .min = 0, .max = 18};
  return spec;
}

// Keys that columns and inputs share.
std::vector<Key> shape_keys() {
  return {
      {"type", column_type, "What the values are.", "type: text"},
      {"references", name, "The table whose rows are pointed to, instead of `type`.",
       "references: categories"},
      {"optional", boolean, "Whether null is allowed.", "optional: true", "false"},
      {"default", value, "The value when none is given: a literal, or `=` and an expression.",
       "default: pending"},
      {"min", literal,
       "The least value (numbers, dates, timestamps), length (text in code points, bytes), or "
       "number of elements (lists).",
       "min: 0"},
      {"max", literal, "The greatest, as `min`.", "max: 200"},
      {"precision", precision, "Digits of a decimal, at most 18.", "precision: 12", "18"},
      {"scale", scale, "Digits of a decimal after the point; a decimal must say it.", "scale: 2"},
      {"match", text,
       "A regular expression (RE2) that must be found in the text; anchor it with "
       "`^` and `$` to match the whole.",
       "match: \"^[A-Z]{3}$\""},
      {"values", texts, "The values of an enum.", "values: [pending, paid]"},
      {"description", text, "For the API's documentation.", "description: in euros"},
  };
}

}  // namespace mettle::model::forms
