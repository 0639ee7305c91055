// Whether a bill of materials is CycloneDX 1.5, by the standard's own schema:
//   node tests/package/schema.mjs FILE
// Prints what is wrong; exit code 1 then, 77 where the schema or ajv are not there (`make setup`).
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const folder = path.join(ROOT, 'build/deps/cyclonedx');
if (!existsSync(path.join(folder, 'bom-1.5.SNAPSHOT.schema.json')) || !existsSync(path.join(ROOT, 'tools/npm/node_modules/ajv'))) {
  console.error('schema: build/deps/cyclonedx or ajv is not there: make setup');
  process.exit(77);
}
const require = createRequire(path.join(ROOT, 'tools/npm/x.js'));
const Ajv = require('ajv').default ?? require('ajv');
const formats = require('ajv-formats').default ?? require('ajv-formats');
const read = (name) => JSON.parse(readFileSync(name, 'utf8'));

const ajv = new Ajv({ strict: false, allErrors: true });
formats(ajv);
ajv.addFormat('iri-reference', true);
ajv.addFormat('idn-email', true);
// The package's copies refer to each other by their file names, beside the standard's own address.
for (const name of ['spdx', 'jsf-0.82']) {
  const schema = read(path.join(folder, `${name}.SNAPSHOT.schema.json`));
  delete schema.$id;
  ajv.addSchema(schema, `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
}
const validate = ajv.compile(read(path.join(folder, 'bom-1.5.SNAPSHOT.schema.json')));
if (!validate(read(process.argv[2]))) {
  for (const error of validate.errors) console.error(`${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`);
  process.exit(1);
}
