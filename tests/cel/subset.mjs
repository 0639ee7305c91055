// The subset of CEL that rules are written in, as exclusions of the specification's cases: each says what is left out
// and why, and looks at the case alone, never at what we answer. The first that fits names the case's reason.

// The expression without what its texts hold: 'x' for each.
const texts = /(?<![A-Za-z0-9_])([rR]?)("""(?:\\[\s\S]|[^\\])*?"""|'''(?:\\[\s\S]|[^\\])*?'''|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')/g;
export const code = (expr) => expr.replace(/\/\/[^\n]*/g, ' ').replace(texts, "'x'");

const section = (...names) => (c) => names.includes(c.section.split('/')[0]);
const group = (...names) => (c) => names.includes(c.section);
const written = (pattern) => (c) => pattern.test(code(c.expr));
const either = (...tests) => (c) => tests.some((test) => test(c));
const envTypes = (c) => (c.typeEnv ?? []).map((e) => JSON.stringify(e.ident?.type ?? e));
const declares = (pattern) => (c) => envTypes(c).some((type) => pattern.test(type));

export const exclusions = [
  {name: 'protobuf messages', why: 'rows and JSON take their place; there are no messages, wrappers or Any',
   fits: either(section('proto2', 'proto2_ext', 'proto3', 'dynamic', 'wrappers', 'enums'),
                declares(/messageType":"(?!google\.protobuf\.(Timestamp|Duration)")/), written(/\bTestAllTypes\b|google\.protobuf/),
                (c) => c.container !== undefined)},
  {name: 'extension libraries', why: 'block, bind, encoders, math, optionals, strings and two-variable macros are not of the language',
   fits: either(section('block_ext', 'bindings_ext', 'encoders_ext', 'math_ext', 'optionals', 'string_ext', 'macros2'),
                written(/\boptional\./))},
  {name: 'unchecked evaluation', why: 'CEL may run what its checker refuses; a rule is always checked, when the app is loaded',
   fits: (c) => c.disableCheck === true},
  {name: 'functions of the host', why: 'an app declares no functions for its rules',
   fits: (c) => (c.typeEnv ?? []).some((e) => e.function)},
  {name: 'map literals', why: 'maps come from outside (claims, json); none is made in a rule', fits: written(/\{/)},
  {name: 'qualified names and containers', why: 'a rule has a flat list of names',
   fits: either(section('namespace'), (c) => (c.typeEnv ?? []).some((e) => e.name.includes('.')), written(/(^|[^\w\])'.])\s*\.\s*[a-z]/))},
  {name: 'unsigned integers', why: 'no column has the type; ints have 64 bits and a sign',
   fits: either(written(/\b(0[xX][0-9a-fA-F]+|\d+)[uU]\b|\buint\b/), declares(/UINT64/))},
  {name: 'bytes literals and conversions', why: 'a column of bytes is compared and measured, never written out in a rule',
   fits: either(written(/\b[rR]?[bB][rR]?['"]|\bbytes\s*\(/), declares(/BYTES/))},
  {name: 'dyn() and type()', why: 'types are known when the app is loaded; only json is dynamic, and is told its type by string(), int(), double()',
   fits: written(/\b(dyn|type)\s*\(/)},
  {name: 'types as values', why: 'as above', fits: written(/(^|[=!]=\s*)(int|double|string|bool|list|map|null_type|type|bytes)(\s*[=!]=|$)/)},
  {name: 'bool()', why: 'no rule has needed it', fits: written(/\bbool\s*\(/)},
  {name: 'exists_one, map, filter', why: 'the size of their work or result has no bound in SQL; exists and all have',
   fits: written(/\.(exists_one|map|filter)\s*\(/)},
  {name: 'parts of times', why: 'getFullYear and its like depend on time zones; compare with timestamps and dates instead',
   fits: written(/\.get[A-Z]\w*\(/)},
  {name: 'times made of or turned into numbers', why: 'a timestamp is written as RFC 3339, a duration with its unit',
   fits: written(/\b(timestamp|duration)\s*\(\s*-?\d|\bint\s*\(\s*timestamp/)},
  {name: 'string() of a duration', why: 'no engine has a form for it', fits: written(/\bstring\s*\(\s*duration/)},
  {name: 'times made of other times', why: 'timestamp(x) and duration(x) are for literals, and timestamp(x) for dates',
   fits: written(/\b(timestamp|duration)\s*\(\s*(timestamp|duration|string)\s*\(/)},
  {name: 'lists as values', why: 'a list is the range of in, exists, all, size and [i]; it is not compared, joined or put into another',
   fits: either(written(/\]\s*(==|!=|\+)|(==|!=|\+)\s*\[|\[\s*\[/), (c) => declares(/listType/)(c) && /(==|!=)/.test(code(c.expr)),
                written(/^\s*a\[a\[/))},
  {name: 'lists of many types', why: 'an element has one type', fits: written(/\[[^\]]*\d[^\]]*'x'[^\]]*\]|\[[^\]]*'x'[^\]]*\d[^\]]*\]/)},
  {name: 'string() of a double', why: 'databases write floats each in their way', fits: written(/\bstring\s*\(\s*-?\d+(\.|e)/)},
  {name: 'durations beyond 292 years', wider: true,
   why: 'CEL counts nanoseconds in 64 bits and ends there; ours are microseconds, and reach 292,000 years. Where CEL has an error, there is an answer',
   fits: either(group('timestamps/duration_range'), (c) => /sub_time_duration_(over|under)/.test(c.name))},
  {name: 'floats that are not finite', why: 'no column holds one; what would be one is unknown',
   fits: either((c) => ['Infinity', '-Infinity', 'NaN'].includes((c.value ?? {}).doubleValue), written(/\/\s*0\.0/))},
  {name: 'nanoseconds', why: 'times have microseconds, as the databases have',
   fits: (c) => /\d\.\d{7,}|\dns\b/.test(c.expr) && /timestamp|duration/.test(c.expr)},
  {name: 'NUL in texts', why: 'neither engine stores it', fits: (c) => /\\000|\\[xX]00|\\u0000|\\U00000000|\0/.test(c.expr)},
];
