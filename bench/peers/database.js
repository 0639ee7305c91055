'use strict';
// The peer's database: the shop's products and categories as one would write them for better-sqlite3,
// durable as Mettle is (an answered write survives power loss).

const Database = require('better-sqlite3');

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS categories (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 80),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version    INTEGER NOT NULL DEFAULT 1
  ) STRICT;
  CREATE TABLE IF NOT EXISTS products (
    id          TEXT PRIMARY KEY,
    sku         TEXT NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    description TEXT,
    price       INTEGER NOT NULL CHECK (price >= 0), -- cents
    stock       INTEGER NOT NULL DEFAULT 0 CHECK (stock >= 0),
    category_id TEXT NOT NULL REFERENCES categories (id) ON DELETE RESTRICT,
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL,
    version     INTEGER NOT NULL DEFAULT 1
  ) STRICT;
  CREATE INDEX IF NOT EXISTS products_category_price ON products (category_id, price);
  CREATE INDEX IF NOT EXISTS products_name ON products (name);
  CREATE INDEX IF NOT EXISTS products_price ON products (price);
  CREATE TABLE IF NOT EXISTS keys (
    id   TEXT PRIMARY KEY,
    hash BLOB NOT NULL,
    role TEXT NOT NULL
  ) STRICT;
`;

function open(path) {
  const db = new Database(path);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma('foreign_keys = ON');
  db.pragma('busy_timeout = 5000');
  db.pragma('cache_size = -65536'); // 64 MiB: the whole shop
  db.exec(SCHEMA);
  return db;
}

module.exports = { open };
