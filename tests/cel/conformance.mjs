// Runs the conformance cases of CEL's specification (npm's @bufbuild/cel-spec) through our parser, checker, evaluator
// and SQL, by way of cel_probe. Each case of the declared subset (subset.mjs) must have the specified answer, in memory
// as written, in memory over a row and in SQL over a row; each case out of it must be refused or be unknown, and never
// have another answer. Checks that the table in docs/reference/cel.md is current; `--write` writes it.
//
//   node tests/cel/conformance.mjs --probe build/dev/cel_probe [--write] [--verbose] [--only TEXT]
import {spawnSync} from 'node:child_process';
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {exclusions} from './subset.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const page = join(root, 'docs/reference/cel.md');
const data = join(root, 'tools/npm/node_modules/@bufbuild/cel-spec/dist/esm/testdata/conformance.js');
const option = (name) => process.argv.includes(name);
const argument = (name) => option(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined;

function casesOf(suite, path) {
  const here = (suite.tests ?? []).map((t) => ({...t.original, section: path}));
  return here.concat(...(suite.suites ?? []).map((s) => casesOf(s, path ? `${path}/${s.name}` : s.name)));
}

// A type of the specification as the probe names it; undefined where it has none.
function typeName(type) {
  const primitives = {INT64: 'int', DOUBLE: 'double', STRING: 'string', BOOL: 'bool'};
  if (type.primitive) return primitives[type.primitive];
  if ('null' in type) return 'null';
  if (type.messageType?.endsWith('.Timestamp')) return 'timestamp';
  if (type.messageType?.endsWith('.Duration')) return 'duration';
  if (type.listType && typeName(type.listType.elemType)) return `list<${typeName(type.listType.elemType)}>`;
  if (type.mapType && typeName(type.mapType.valueType)) return `map<${typeName(type.mapType.valueType)}>`;
  return undefined;
}

function request(c) {
  const env = {};
  for (const e of c.typeEnv ?? []) if (e.ident) env[e.name] = typeName(e.ident.type) ?? 'none';
  const bindings = {};
  for (const [name, bound] of Object.entries(c.bindings ?? {})) bindings[name] = bound.value ?? {};
  return JSON.stringify({expr: c.expr, env, bindings});
}

// The specification's value in the probe's form.
function expected(c) {
  if (c.evalError) return {unknown: true};
  const v = c.value ?? c.typedResult?.result;
  return v === undefined ? undefined : plain(v);
}
function plain(v) {
  if (v.listValue) return {listValue: (v.listValue.values ?? []).map(plain)};
  const message = v.objectValue;
  if (message?.['@type'].endsWith('.Timestamp')) return {timestamp: micros(message.value)};
  if (message?.['@type'].endsWith('.Duration')) {
    const [, sign, whole, part = ''] = /^(-?)(\d+)(?:\.(\d+))?s$/.exec(message.value);
    return {duration: String((sign ? -1n : 1n) * (BigInt(whole) * 1000000n + BigInt(part.padEnd(6, '0').slice(0, 6))))};
  }
  return v;
}
function micros(text) {
  const [, seconds, part = ''] = /^([^.]+?)(?:\.(\d+))?Z$/.exec(text);
  return String(BigInt(Date.parse(`${seconds}Z`)) * 1000n + BigInt(part.padEnd(6, '0').slice(0, 6)));
}

function alike(a, b) {
  if (a === undefined || b === undefined) return false;
  if ('listValue' in a && 'listValue' in b) {
    return a.listValue.length === b.listValue.length && a.listValue.every((x, i) => alike(x, b.listValue[i]));
  }
  if ('doubleValue' in a && 'doubleValue' in b) return Number(a.doubleValue) === Number(b.doubleValue);
  return JSON.stringify(a) === JSON.stringify(b);
}
// SQL has one NULL for null and unknown.
const inSql = (v) => ('unknown' in v ? {nullValue: null} : v);

function judge(c, answer) {
  const want = expected(c);
  const error = want !== undefined && 'unknown' in want;
  if (answer.broken !== undefined) return {verdict: 'wrong', why: `the probe could not read it: ${answer.broken}`};
  if (c.excluded) {
    if (answer.refused !== undefined) return {verdict: 'refused', why: answer.refused};
    if ('unknown' in answer.memory) return {verdict: 'unknown'};
    if (want === undefined || alike(want, answer.memory)) return {verdict: 'same'};
    if (error && exclusions.find((e) => e.name === c.excluded).wider) return {verdict: 'wider'};
    return {verdict: 'wrong', why: `out of scope and yet answered: ${JSON.stringify(answer.memory)}`};
  }
  if (answer.refused !== undefined) {
    // An error that can be told from a literal is told when the app is loaded.
    const early = error && answer.refused.startsWith('rule_literal: ');
    return early ? {verdict: 'passed'} : {verdict: 'wrong', why: `refused: ${answer.refused}`};
  }
  if (want !== undefined && !alike(want, answer.memory)) return {verdict: 'wrong', why: `in memory ${JSON.stringify(answer.memory)}`};
  if (answer.row && !alike(want, answer.row)) return {verdict: 'wrong', why: `over a row ${JSON.stringify(answer.row)}`};
  if (answer.sql && !alike(inSql(want), answer.sql)) return {verdict: 'wrong', why: `in SQL ${JSON.stringify(answer.sql)}`};
  return {verdict: 'passed', sql: answer.sql !== undefined};
}

function table(cases) {
  const rows = new Map();
  for (const c of cases) {
    const name = c.section.split('/')[0];
    const row = rows.get(name) ?? {cases: 0, inside: 0, passed: 0, sql: 0, out: 0, refused: 0, unknown: 0, same: 0, wider: 0, reasons: new Set()};
    rows.set(name, row);
    ++row.cases;
    if (c.excluded) {
      ++row.out;
      ++row[c.verdict];
      row.reasons.add(c.excluded);
    } else {
      ++row.inside;
      if (c.verdict === 'passed') ++row.passed;
      if (c.sql) ++row.sql;
    }
  }
  const sum = {cases: 0, inside: 0, passed: 0, sql: 0, out: 0, refused: 0, unknown: 0, same: 0, wider: 0};
  const lines = ['| section | cases | in the subset | passed | of these also in SQL | out of scope | refused | unknown | same answer | wider | left out |',
                 '|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|'];
  for (const [name, r] of rows) {
    for (const key of Object.keys(sum)) sum[key] += r[key];
    lines.push(`| ${name} | ${r.cases} | ${r.inside} | ${r.passed} | ${r.sql} | ${r.out} | ${r.refused} | ${r.unknown} | ${r.same} | ${r.wider} | ${[...r.reasons].join('; ')} |`);
  }
  lines.push(`| **all** | **${sum.cases}** | **${sum.inside}** | **${sum.passed}** | **${sum.sql}** | **${sum.out}** | ${sum.refused} | ${sum.unknown} | ${sum.same} | ${sum.wider} | |`);
  lines.push('', '| left out | cases | why |', '|---|--:|---|');
  for (const e of exclusions) lines.push(`| ${e.name} | ${cases.filter((c) => c.excluded === e.name).length} | ${e.why} |`);
  return {text: lines.join('\n'), sum};
}

function checkPage(text) {
  const [begin, end] = ['<!-- generated by tests/cel/conformance.mjs --write -->\n\n', '\n\n<!-- end of what is generated -->'];
  const old = readFileSync(page, 'utf8');
  const from = old.indexOf(begin) + begin.length, to = old.indexOf(end);
  if (from < begin.length || to < from) throw new Error(`${page} lacks the marks of the table`);
  const fresh = old.slice(0, from) + text + old.slice(to);
  if (option('--write')) writeFileSync(page, fresh);
  return option('--write') || fresh === old;
}

if (!existsSync(data)) {
  console.error('NOT TESTED: no @bufbuild/cel-spec; make setup installs it');
  process.exit(77);
}
const only = argument('--only');
const all = casesOf((await import(data)).tests, '');
for (const c of all) c.excluded = exclusions.find((e) => e.fits(c))?.name;
const cases = only ? all.filter((c) => `${c.section}/${c.name}`.includes(only)) : all;
const probe = spawnSync(argument('--probe'), {input: cases.map(request).join('\n') + '\n', encoding: 'utf8', maxBuffer: 1 << 28});
const answers = probe.stdout?.split('\n').slice(0, -1) ?? [];
if (probe.status !== 0 || answers.length !== cases.length) {
  console.error(`cel_probe answered ${answers.length} of ${cases.length} cases: ${probe.error ?? probe.stderr}`);
  process.exit(1);
}
let wrong = 0;
cases.forEach((c, i) => {
  Object.assign(c, judge(c, JSON.parse(answers[i])));
  if (c.verdict === 'wrong') ++wrong;
  if (c.verdict === 'wrong' || option('--verbose')) {
    console.log(`${c.verdict}: ${c.section}/${c.name}: ${c.expr}\n  wanted ${JSON.stringify(expected(c))}; ${c.why ?? ''} ${c.excluded ?? ''}`);
  }
});
const {text, sum} = table(cases);
console.log(`cel: ${sum.cases} cases, ${sum.inside} in the subset, ${sum.passed} passed (${sum.sql} also in SQL), ${sum.out} out of scope: ` +
            `${sum.refused} refused, ${sum.unknown} unknown, ${sum.same} with the same answer, ${sum.wider} answered where CEL ends; ${wrong} wrong`);
for (const e of exclusions) {
  if (only || cases.some((c) => c.excluded === e.name)) continue;
  console.log(`subset.mjs leaves out "${e.name}", and no case is about it`);
  wrong = 1;
}
if (wrong > 0) {
  console.log('replay one: node tests/cel/conformance.mjs --probe BUILD/cel_probe --only SECTION/NAME');
  process.exit(1);
}
if (!only && !checkPage(text)) {
  console.log('docs/reference/cel.md is not current: node tests/cel/conformance.mjs --probe BUILD/cel_probe --write');
  process.exit(1);
}
