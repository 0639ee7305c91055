// Holds /openapi.json to what is served: lints it, then calls every operation in it with generated input, right and
// wrong, and checks each answer's status, type and body against what the document says of it.
//
//   node tests/openapi/openapi_test.mjs --binary build/dev/mettle [--app shop|synthetic] [-v]
//
// Exit code 77 (skipped) without tools/npm/node_modules (`make setup`).
import { existsSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { Driver } from './drive.mjs';
import { Server } from './server.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const NPM = path.join(ROOT, 'tools/npm');

const APPS = {
  shop: {
    app: path.join(ROOT, 'examples/shop'),
    roles: ['customer', 'clerk', 'admin'],
    known: { stock: 1000, email: (n) => `p${n}@example.com` },
    mine: ['user_id'],  // columns that hold the caller's own id
    closed: [/^(post|delete) .*\/orders(\/|$)/, /^(post|put|patch|delete) .*\/order_items(\/|$)/],
    // Orders are placed by a command only; what ships must be paid.
    async rows(table, driver) {
      if (table !== 'orders') return undefined;
      const product = await driver.row('products');
      const placed = await driver.fetch('POST', '/api/v1/commands/place_order',
        { items: [{ product_id: product, quantity: 1 }] });
      const order = JSON.parse(placed.text).id;
      await driver.fetch('PATCH', `/api/v1/orders/${order}`, { state: 'paid' });
      return order;
    },
    // Made by commands only: a row to read has to be there before.
    async addresses(template, driver) {
      if (template === '/api/v1/orders/{id}') return { id: await driver.row('orders') };
      if (template !== '/api/v1/order_items/{id}') return undefined;
      await driver.row('orders');
      const items = await driver.fetch('GET', '/api/v1/order_items?limit=1');
      return { id: JSON.parse(items.text).items[0].id };
    },
  },
  synthetic: {
    app: path.join(ROOT, 'tests/openapi/synthetic.yaml'),
    roles: ['member', 'admin'],
    known: { email: (n) => `p${n}@example.com` },
    mine: ['user_id'],
    closed: [/\/closed(\/|$)/, /^(patch|delete) .*\/rates$/],
    async addresses(template, driver) {
      if (template !== '/s/{code}') return undefined;
      const link = await driver.fetch('POST', '/api/v1/links', { url: 'https://example.com/' });
      return { code: JSON.parse(link.text).code };
    },
  },
};

function argument(name, fallback) {
  const at = process.argv.indexOf(name);
  return at < 0 ? fallback : process.argv[at + 1];
}

// The faults that `redocly lint` finds; its warnings are shown and do not count.
function redocly(file) {
  const done = spawnSync(path.join(NPM, 'node_modules/.bin/redocly'),
    ['lint', file, '--format=json', '--extends=recommended'],
    { encoding: 'utf8', env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
      cwd: path.dirname(file), maxBuffer: 64 << 20 });
  const begin = done.stdout.indexOf('{');
  if (begin < 0) return [`redocly ended with ${done.status}: ${done.stdout}${done.stderr}`];
  const { problems } = JSON.parse(done.stdout.slice(begin));
  const shown = (p) => `redocly ${p.severity}: ${p.ruleId}: ${p.message} (${p.location?.[0]?.pointer ?? ''})`;
  const warnings = problems.filter((p) => p.severity !== 'error');
  for (const rule of new Set(warnings.map((p) => p.ruleId))) {
    const of_rule = warnings.filter((p) => p.ruleId === rule);
    console.log(`  ${shown(of_rule[0])}${of_rule.length > 1 ? ` and ${of_rule.length - 1} more` : ''}`);
  }
  return problems.filter((p) => p.severity === 'error').map(shown);
}

async function check(name, binary, require, verbose) {
  const settings = APPS[name];
  const server = new Server(binary, settings.app);
  try {
    await server.start();
    const text = await (await fetch(`${server.url}/openapi.json`)).text();
    const file = path.join(server.folder, 'openapi.json');
    writeFileSync(file, text);
    const faults = redocly(file);
    try {
      await require('@apidevtools/swagger-parser').default.validate(file);
    } catch (error) {
      faults.push(`swagger-parser: ${error.message}`);
    }
    const driver = new Driver(JSON.parse(text), server, settings, require, verbose);
    await driver.run();
    const code = await server.stop();
    if (code !== 0) faults.push(`the server ended with ${code} after SIGTERM; its log:\n${server.log}`);
    faults.push(...driver.faults);
    console.log(`${faults.length === 0 ? 'ok' : 'not ok'} ${name}: ${driver.operations} operations, ` +
      `${driver.calls} calls, ${faults.length} faults`);
    for (const fault of faults) console.log(`  ${fault}`);
    return faults.length;
  } finally {
    server.remove();
  }
}

if (!existsSync(path.join(NPM, 'node_modules/ajv'))) {
  console.log(`NOT TESTED: ${NPM}/node_modules is not there; run make setup`);
  process.exit(77);
}
const binary = path.resolve(argument('--binary', path.join(ROOT, 'build/dev/mettle')));
let faults = 0;
for (const name of Object.keys(APPS)) {
  if (argument('--app', name) !== name) continue;
  faults += await check(name, binary, createRequire(path.join(NPM, 'package.json')), process.argv.includes('-v'));
}
process.exit(faults === 0 ? 0 : 1);
