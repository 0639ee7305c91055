// The plain forms that sections of the app file share: between the keys_*.cc, nobody else.
#pragma once

#include "model/keys.h"

namespace mettle::model::forms {

using Form = Spec::Form;

inline const Spec& text() {
  static const Spec spec{.form = Form::kText};
  return spec;
}
inline const Spec& name() {
  static const Spec spec{.form = Form::kName};
  return spec;
}
inline const Spec& boolean() {
  static const Spec spec{.form = Form::kBool};
  return spec;
}
inline const Spec& rule() {
  static const Spec spec{.form = Form::kRule};
  return spec;
}
inline const Spec& duration() {
  static const Spec spec{.form = Form::kDuration};
  return spec;
}
inline const Spec& literal() {
  static const Spec spec{.form = Form::kLiteral};
  return spec;
}
inline const Spec& value() {
  static const Spec spec{.form = Form::kValue};
  return spec;
}
inline const Spec& names() {
  static const Spec spec{.form = Form::kList, .min = 1, .element = name};
  return spec;
}
inline const Spec& texts() {
  static const Spec spec{.form = Form::kList, .min = 1, .element = text};
  return spec;
}

// What a value may be: of columns, of input and of what is returned (keys_shapes.cc).
const Spec& column_type();
const Spec& precision();
const Spec& scale();
std::vector<Key> shape_keys();

}  // namespace mettle::model::forms
