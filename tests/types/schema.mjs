// Whether the schema that `mettle schema` prints (the first argument) takes the app files given behind it, and refuses what
// `mettle check` refuses: an editor must not mark a good file, and must mark a misspelt key. Run by run.py.
import fs from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(new URL("../../tools/npm/package.json", import.meta.url));
const Ajv = require("ajv/dist/2020").default;
const yaml = require("js-yaml");

const [schema, ...files] = process.argv.slice(2);
// Formats and comments of ours are for people; types and keys are what counts.
const validate = new Ajv({ strict: true, strictTypes: false, allowUnionTypes: true, allErrors: true }).compile(
  JSON.parse(fs.readFileSync(schema, "utf8")),
);

const read = (file) => yaml.load(fs.readFileSync(file, "utf8"), { schema: yaml.CORE_SCHEMA });
for (const file of files) {
  if (validate(read(file))) continue;
  console.log(`${file}: the schema refuses a good file:`, validate.errors);
  process.exitCode = 1;
}

const refused = [
  ["a key that is not there", (app) => (app.tabels = {})],
  ["a name that is none", (app) => (app.tables.Orders = { columns: {} })],
  ["a type that is none", (app) => (Object.values(app.tables)[0].columns.odd = { type: "string" })],
  ["no app", (app) => delete app.app],
  ["a column's misspelt key", (app) => (Object.values(app.tables)[0].columns.odd = { typ: "text" })],
];
for (const [what, spoil] of refused) {
  const app = read(files[0]);
  spoil(app);
  if (!validate(app)) continue;
  console.log(`the schema takes ${what}`);
  process.exitCode = 1;
}
console.log(`ok schema (${files.length} files)`);
