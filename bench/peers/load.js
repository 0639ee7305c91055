'use strict';
// Loads a table of the shop from NDJSON on stdin, or makes a key and prints it.
//
//   node load.js DATABASE categories|products <rows.ndjson
//   node load.js DATABASE key ROLE

const crypto = require('node:crypto');
const readline = require('node:readline');
const { open } = require('./database.js');

const [path, what, role] = process.argv.slice(2);
const db = open(path);

async function load(insert) {
  const lines = readline.createInterface({ input: process.stdin, crlfDelay: Infinity });
  const now = new Date().toISOString();
  db.exec('BEGIN');
  for await (const line of lines) insert(JSON.parse(line), now);
  db.exec('COMMIT');
}

function cents(price) {
  const [whole, part] = price.split('.');
  return Number(whole) * 100 + Number(part);
}

async function main() {
  if (what === 'categories') {
    const insert = db.prepare('INSERT INTO categories (id, name, created_at, updated_at) VALUES (?, ?, ?, ?)');
    await load((row, now) => insert.run(row.id, row.name, now, now));
  } else if (what === 'products') {
    const insert = db.prepare(`INSERT INTO products
      (id, sku, name, description, price, stock, category_id, created_at, updated_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    await load((row, now) => insert.run(row.id, row.sku, row.name, row.description ?? null, cents(row.price), row.stock,
      row.category_id, now, now));
  } else if (what === 'key' && role) {
    const id = crypto.randomBytes(8).toString('hex');
    const secret = crypto.randomBytes(32).toString('hex');
    db.prepare('INSERT INTO keys (id, hash, role) VALUES (?, ?, ?)')
      .run(id, crypto.createHash('sha256').update(secret).digest(), role);
    process.stdout.write(`key_${id}_${secret}\n`);
  } else {
    throw new Error('usage: load.js DATABASE categories|products|key [ROLE]');
  }
  db.close();
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
