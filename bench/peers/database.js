'use strict';
// The peer's database: the shop as one would write it for better-sqlite3, durable as Mettle is (an answered write survives
// power loss).

const Database = require('better-sqlite3');

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS users (
    id         TEXT PRIMARY KEY,
    email      TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version    INTEGER NOT NULL DEFAULT 1
  ) STRICT;
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
  -- With the id, so that a page in the order of price and id is read from the index.
  CREATE INDEX IF NOT EXISTS products_category_price ON products (category_id, price, id);
  CREATE INDEX IF NOT EXISTS products_name ON products (name, id);
  CREATE INDEX IF NOT EXISTS products_price ON products (price, id);
  CREATE TABLE IF NOT EXISTS orders (
    id         TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id),
    state      TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'paid', 'shipped', 'cancelled')),
    total      INTEGER NOT NULL CHECK (total >= 0),
    placed_at  TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version    INTEGER NOT NULL DEFAULT 1
  ) STRICT;
  CREATE INDEX IF NOT EXISTS orders_user_placed ON orders (user_id, placed_at, id);
  CREATE INDEX IF NOT EXISTS orders_placed ON orders (placed_at, id);
  CREATE TABLE IF NOT EXISTS order_items (
    id         TEXT PRIMARY KEY,
    order_id   TEXT NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    product_id TEXT NOT NULL REFERENCES products (id) ON DELETE RESTRICT,
    quantity   INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 100),
    price      INTEGER NOT NULL CHECK (price >= 0),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version    INTEGER NOT NULL DEFAULT 1
  ) STRICT;
  CREATE INDEX IF NOT EXISTS order_items_order ON order_items (order_id, id);
  CREATE INDEX IF NOT EXISTS order_items_product ON order_items (product_id, id);
  CREATE TABLE IF NOT EXISTS idempotency (
    user_id TEXT NOT NULL,
    key     TEXT NOT NULL,
    hash    BLOB NOT NULL, -- of the request's body
    answer  TEXT NOT NULL,
    at      TEXT NOT NULL,
    PRIMARY KEY (user_id, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS keys (
    id      TEXT PRIMARY KEY,
    hash    BLOB NOT NULL,
    role    TEXT NOT NULL,
    user_id TEXT REFERENCES users (id)
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
