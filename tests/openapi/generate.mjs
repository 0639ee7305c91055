// Values that fit a JSON Schema as the server writes them, and some that do not.

let serial = 0;
export const next = () => ++serial;

const pick = (list) => list[next() % list.length];

// A text that a regular expression of the simple kind matches: literals, classes, groups, | and repetitions.
export function matching(pattern) {
  let at = 0;
  const peek = () => pattern[at];

  function alternatives() {
    const all = [sequence()];
    while (peek() === '|') { at++; all.push(sequence()); }
    return pick(all);
  }
  function sequence() {
    let out = '';
    while (at < pattern.length && peek() !== '|' && peek() !== ')') out += repeated();
    return out;
  }
  function repeated() {
    const begin = at;
    const first = atom();
    const end = at;
    let [min, max] = [1, 1];
    if (peek() === '*') { at++; [min, max] = [0, 3]; }
    else if (peek() === '+') { at++; [min, max] = [1, 4]; }
    else if (peek() === '?') { at++; [min, max] = [0, 1]; }
    else if (peek() === '{') {
      const found = /^\{(\d+)(,(\d*))?\}/.exec(pattern.slice(at));
      at += found[0].length;
      min = Number(found[1]);
      max = found[2] === undefined ? min : found[3] === '' ? min + 4 : Number(found[3]);
    }
    const behind = at;
    let out = max === 0 ? '' : first;
    for (let i = 1; i < Math.max(min, max); i++) {
      at = begin;
      out += atom();
    }
    at = behind;
    return min === 0 && max === 1 && end === begin ? '' : out;
  }
  function atom() {
    const c = pattern[at++];
    if (c === '^' || c === '$') return '';
    if (c === '(') {
      if (pattern.startsWith('?:', at)) at += 2;
      const out = alternatives();
      at++;  // )
      return out;
    }
    if (c === '[') return classed();
    if (c === '.') return 'x';
    if (c === '\\') return escaped(pattern[at++]);
    return c;
  }
  function escaped(c) {
    if (c === 'd') return String(next() % 10);
    if (c === 'w') return pick(['a', 'b', 'c', '7']);
    if (c === 's') return ' ';
    return c;
  }
  function classed() {
    const negated = peek() === '^';
    if (negated) at++;
    const chars = [];
    while (peek() !== ']') {
      let c = pattern[at++];
      if (c === '\\') { chars.push(...escaped(pattern[at++])); continue; }
      if (peek() === '-' && pattern[at + 1] !== ']') {
        at++;
        const to = pattern[at++];
        for (let code = c.charCodeAt(0); code <= to.charCodeAt(0); code++) chars.push(String.fromCharCode(code));
      } else {
        chars.push(c);
      }
    }
    at++;
    if (negated) return ['q', 'Q', '7', '_', ' '].find((c) => !chars.includes(c));
    return chars[Math.floor(Math.random() * chars.length)];
  }
  return alternatives();
}

function text(schema) {
  const number = next();
  if (schema.pattern) return matching(schema.pattern);
  if (schema.format === 'uuid') return `01900000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;
  if (schema.format === 'date') return new Date(Date.UTC(2020, 0, number)).toISOString().slice(0, 10);
  if (schema.format === 'date-time') return new Date(Date.UTC(2020, 0, 1, 0, number)).toISOString();
  if (schema.format === 'email') return `p${number}@example.com`;
  if (schema.contentEncoding === 'base64') return Buffer.from(`b${number}`).toString('base64');
  const min = schema.minLength ?? 0;
  const max = schema.maxLength ?? Math.max(12, min);
  return `t${number}`.padEnd(min, 'x').slice(0, max);
}

function number(schema) {
  const min = schema.minimum ?? schema.exclusiveMinimum ?? 1;
  const max = schema.maximum ?? min + 1000;
  return Math.min(max, Math.max(min, 1));
}

// `context.row(table)`: the id of a row of that table; `context.known(name)`: a value that a property of that name must
// have for the app's own reasons, or undefined.
export async function valid(schema, context, name = '') {
  schema = context.resolve(schema);
  const known = context.known(name);
  if (known !== undefined) return typeof known === 'function' ? known(next()) : known;
  const reference = /^the id of a row of (\w+)$/.exec(schema.description ?? '');
  if (reference) return context.row(reference[1]);
  if ('const' in schema) return schema.const;
  if (schema.enum) return pick(schema.enum.filter((value) => value !== null));
  if (schema.oneOf) return valid(schema.oneOf[0], context, name);
  if (schema.anyOf) return valid(schema.anyOf[0], context, name);
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === 'object') return object(schema, context, false);
  if (type === 'array') {
    const out = [];
    for (let i = 0; i < Math.max(1, schema.minItems ?? 0); i++) out.push(await valid(schema.items, context, name));
    return out;
  }
  if (type === 'string' && /^a decimal with/.test(schema.description ?? '')) return '12';
  if (type === 'string' && name === 'clock') return '12:34:56';
  if (type === 'string') return text(schema);
  if (type === 'integer') return number(schema);
  if (type === 'number') return number(schema);
  if (type === 'boolean') return true;
  return { any: [1, 'json', null] };
}

export async function object(schema, context, onlyRequired) {
  schema = context.resolve(schema);
  const out = {};
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (onlyRequired && !(schema.required ?? []).includes(name)) continue;
    if (context.skip(name)) continue;
    out[name] = await valid(property, context, name);
  }
  return out;
}
