'use strict';
// Loads a table of the shop from NDJSON on stdin, or makes a key and prints it.
//
//   node load.js DATABASE users|categories|products|orders <rows.ndjson
//   node load.js DATABASE key ROLE [USER]

const crypto = require('node:crypto');
const readline = require('node:readline');
const { open } = require('./database.js');

const ROWS_A_COMMIT = 10000;
const [path, what, role, user] = process.argv.slice(2);
const db = open(path);

async function load(insert) {
  const lines = readline.createInterface({ input: process.stdin, crlfDelay: Infinity });
  const now = new Date().toISOString();
  let rows = 0;
  db.exec('BEGIN');
  for await (const line of lines) {
    insert(JSON.parse(line), now);
    if (++rows % ROWS_A_COMMIT === 0) db.exec('COMMIT; BEGIN');
  }
  db.exec('COMMIT');
}

function cents(price) {
  const [whole, part] = price.split('.');
  return Number(whole) * 100 + Number(part);
}

const loaders = {
  users() {
    const insert = db.prepare('INSERT INTO users (id, email, name, created_at, updated_at) VALUES (?, ?, ?, ?, ?)');
    return load((row, now) => insert.run(row.id, row.email, row.name, now, now));
  },
  categories() {
    const insert = db.prepare('INSERT INTO categories (id, name, created_at, updated_at) VALUES (?, ?, ?, ?)');
    return load((row, now) => insert.run(row.id, row.name, now, now));
  },
  products() {
    const insert = db.prepare(`INSERT INTO products
      (id, sku, name, description, price, stock, category_id, created_at, updated_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    return load((row, now) => insert.run(row.id, row.sku, row.name, row.description ?? null, cents(row.price), row.stock,
      row.category_id, now, now));
  },
  orders() {
    const insert = db.prepare(`INSERT INTO orders (id, user_id, state, total, placed_at, created_at, updated_at)
      VALUES (?, ?, ?, ?, ?, ?, ?)`);
    return load((row, now) => insert.run(row.id, row.user_id, row.state, cents(row.total), row.placed_at, now, now));
  },
  async key() {
    const id = crypto.randomBytes(8).toString('hex');
    const secret = crypto.randomBytes(32).toString('hex');
    db.prepare('INSERT INTO keys (id, hash, role, user_id) VALUES (?, ?, ?, ?)')
      .run(id, crypto.createHash('sha256').update(secret).digest(), role, user ?? null);
    process.stdout.write(`key_${id}_${secret}\n`);
  },
};

async function main() {
  if (!Object.hasOwn(loaders, what) || (what === 'key' && !role)) {
    throw new Error(`usage: load.js DATABASE ${Object.keys(loaders).join('|')} [ROLE [USER]]`);
  }
  await loaders[what]();
  db.close();
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
