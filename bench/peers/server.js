'use strict';
// The peer that `bench/run` measures Mettle against: the same requests as a competent user writes them with Fastify and
// better-sqlite3. Statements are prepared once, answers are serialised by schema, bodies are validated by schema, keys are
// stored as hashes, each request is one line of an asynchronous log, and each write is durable before it is answered.
//
//   node server.js DATABASE LOG   takes $PORT or else a free port of the loopback and prints `listening on http://…`

const crypto = require('node:crypto');
const { createRequire } = require('node:module');
const fastify = require('fastify');
const { open } = require('./database.js');

// Fastify brings pino; its own copy is used, so that there is no second version to keep in step.
const pino = createRequire(require.resolve('fastify'))('pino');

const [databasePath, logPath] = process.argv.slice(2);
const db = open(databasePath);
const findProduct = db.prepare(`SELECT id, sku, name, description, price, stock, category_id, created_at, updated_at, version
  FROM products WHERE id = ?`);
const insertCategory = db.prepare('INSERT INTO categories (id, name, created_at, updated_at) VALUES (?, ?, ?, ?)');
const findKey = db.prepare('SELECT hash, role, user_id FROM keys WHERE id = ?');
// One statement: the page from the index, each row's category by its key. One more row tells whether there is a next page.
const listProducts = db.prepare(`SELECT p.id, p.sku, p.name, p.price, p.stock, c.id AS category_id, c.name AS category_name
  FROM products p JOIN categories c ON c.id = p.category_id
  WHERE p.category_id = ? AND p.price >= ? ORDER BY p.price, p.id LIMIT 21`);
const findUser = db.prepare('SELECT id, name FROM users WHERE id = ?');
const latestOrders = db.prepare(`SELECT id, state, total, placed_at FROM orders
  WHERE user_id = ? ORDER BY placed_at DESC, id LIMIT 20`);
const findAnswer = db.prepare('SELECT hash, answer FROM idempotency WHERE user_id = ? AND key = ?');
const keepAnswer = db.prepare('INSERT INTO idempotency (user_id, key, hash, answer, at) VALUES (?, ?, ?, ?, ?)');
const insertOrder = db.prepare(`INSERT INTO orders (id, user_id, total, placed_at, created_at, updated_at)
  VALUES (?, ?, 0, ?, ?, ?)`);
const takeStock = db.prepare(`UPDATE products SET stock = stock - :quantity, updated_at = :now, version = version + 1
  WHERE id = :id AND stock >= :quantity RETURNING price`);
const insertItem = db.prepare(`INSERT INTO order_items (id, order_id, product_id, quantity, price, created_at, updated_at)
  VALUES (?, ?, ?, ?, ?, ?, ?)`);
const setTotal = db.prepare('UPDATE orders SET total = ?, version = version + 1 WHERE id = ? RETURNING *');

const text = { type: 'string' };
const integer = { type: 'integer' };
const row = { id: text, created_at: text, updated_at: text, version: integer };
const productSchema = {
  type: 'object',
  properties: {
    sku: text, name: text, description: { type: 'string', nullable: true }, price: text, stock: integer, category_id: text,
    ...row,
  },
};
const categorySchema = { type: 'object', properties: { name: text, ...row } };
const idSchema = {
  type: 'object',
  properties: { id: { type: 'string', pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' } },
};
const newCategorySchema = {
  type: 'object',
  required: ['name'],
  additionalProperties: false,
  properties: { name: { type: 'string', minLength: 1, maxLength: 80 } },
};

const uuid = idSchema.properties.id;
const listSchema = {
  querystring: {
    type: 'object', required: ['category_id', 'price'], additionalProperties: false,
    properties: { category_id: uuid, price: { type: 'string', pattern: '^[0-9]{1,10}$' } },
  },
  response: {
    200: {
      type: 'object',
      properties: {
        items: {
          type: 'array',
          items: {
            type: 'object',
            properties: {
              id: text, sku: text, name: text, price: text, stock: integer,
              category: { type: 'object', properties: { id: text, name: text } },
            },
          },
        },
        next_cursor: { type: 'string', nullable: true },
      },
    },
  },
};
const orderFields = { id: text, state: text, total: text, placed_at: text };
const userSchema = {
  params: idSchema,
  response: {
    200: {
      type: 'object',
      properties: { id: text, name: text, orders: { type: 'array', items: { type: 'object', properties: orderFields } } },
    },
  },
};
const placeOrderSchema = {
  body: {
    type: 'object', required: ['items'], additionalProperties: false,
    properties: {
      items: {
        type: 'array', minItems: 1, maxItems: 50,
        items: {
          type: 'object', required: ['product_id', 'quantity'], additionalProperties: false,
          properties: { product_id: uuid, quantity: { type: 'integer', minimum: 1, maximum: 100 } },
        },
      },
    },
  },
};
const serializeOrder = createRequire(require.resolve('fastify'))('fast-json-stringify')({
  type: 'object', properties: { ...row, user_id: text, ...orderFields },
});

const app = fastify({
  logger: { level: 'info', stream: pino.destination({ dest: logPath, sync: false, minLength: 4096 }) },
  disableRequestLogging: true, // two lines a request; the hook below writes one
  ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
});

app.addHook('onResponse', (request, reply, done) => {
  request.log.info({
    method: request.method, route: request.routeOptions.url, status: reply.statusCode, ms: reply.elapsedTime,
  });
  done();
});

// UUIDv7, so that new rows lie beside each other in the index.
function newId() {
  const time = Date.now().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15)}`;
}

function callerOf(header) {
  const match = /^Bearer key_([0-9a-f]{16})_([0-9a-f]{64})$/.exec(header ?? '');
  if (match === null) return undefined;
  const key = findKey.get(match[1]);
  const hash = crypto.createHash('sha256').update(match[2]).digest();
  return key !== undefined && crypto.timingSafeEqual(hash, key.hash) ? key : undefined;
}

function only(allows) {
  return (request, reply, done) => {
    request.caller = callerOf(request.headers.authorization);
    if (request.caller === undefined) reply.code(401).send({ error: 'no key' });
    else if (!allows(request.caller)) reply.code(403).send({ error: 'not allowed' });
    else done();
  };
}

const decimal = (cents) => (cents / 100).toFixed(2);

app.get('/api/v1/products/:id', { schema: { params: idSchema, response: { 200: productSchema } } }, (request, reply) => {
  const product = findProduct.get(request.params.id);
  if (product === undefined) {
    reply.code(404).send({ error: 'no such product' });
    return;
  }
  product.price = decimal(product.price);
  reply.header('etag', `"${product.version}"`).send(product);
});

app.post('/api/v1/categories', {
  onRequest: only((caller) => caller.role === 'admin'),
  schema: { body: newCategorySchema, response: { 201: categorySchema } },
}, (request, reply) => {
  const id = newId();
  const now = new Date().toISOString();
  try {
    insertCategory.run(id, request.body.name, now, now);
  } catch (error) {
    if (error.code !== 'SQLITE_CONSTRAINT_UNIQUE') throw error;
    reply.code(409).send({ error: 'this name is taken' });
    return;
  }
  reply.code(201).header('location', `/api/v1/categories/${id}`).header('etag', '"1"')
    .send({ id, name: request.body.name, created_at: now, updated_at: now, version: 1 });
});

app.get('/api/v1/products', { schema: listSchema }, (request, reply) => {
  const found = listProducts.all(request.query.category_id, Number(request.query.price) * 100);
  const items = found.slice(0, 20).map((one) => ({
    id: one.id, sku: one.sku, name: one.name, price: decimal(one.price), stock: one.stock,
    category: { id: one.category_id, name: one.category_name },
  }));
  const last = found.length > 20 ? found[19] : undefined;
  const cursor = last && Buffer.from(JSON.stringify([last.price, last.id])).toString('base64url');
  reply.send({ items, next_cursor: cursor ?? null });
});

app.get('/api/v1/users/:id', {
  onRequest: only((caller) => caller.role === 'clerk'),
  schema: userSchema,
}, (request, reply) => {
  const user = findUser.get(request.params.id);
  if (user === undefined) {
    reply.code(404).send({ error: 'no such user' });
    return;
  }
  user.orders = latestOrders.all(user.id);
  for (const order of user.orders) order.total = decimal(order.total);
  reply.send(user);
});

class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.statusCode = status;
  }
}

// The order, its items, the stock and the answer to a repetition are one transaction.
const placeOrder = db.transaction((caller, key, items) => {
  const hash = crypto.createHash('sha256').update(JSON.stringify(items)).digest();
  const before = findAnswer.get(caller.user_id, key);
  if (before !== undefined) {
    if (!hash.equals(before.hash)) throw new Refusal(422, 'this key was used for another order');
    return before.answer;
  }
  const now = new Date().toISOString();
  const id = newId();
  insertOrder.run(id, caller.user_id, now, now, now);
  let total = 0;
  for (const item of items) {
    const product = takeStock.get({ id: item.product_id, quantity: item.quantity, now });
    if (product === undefined) throw new Refusal(409, `fewer than ${item.quantity} left`);
    insertItem.run(newId(), id, item.product_id, item.quantity, product.price, now, now);
    total += product.price * item.quantity;
  }
  const order = setTotal.get(total, id);
  order.total = decimal(order.total);
  const answer = serializeOrder(order);
  keepAnswer.run(caller.user_id, key, hash, answer, now);
  return answer;
});

app.post('/api/v1/commands/place_order', {
  onRequest: only((caller) => caller.user_id !== null),
  schema: placeOrderSchema,
}, (request, reply) => {
  const key = request.headers['idempotency-key'] ?? crypto.randomUUID();
  const answer = placeOrder.immediate(request.caller, key, request.body.items);
  reply.header('content-type', 'application/json; charset=utf-8').send(answer);
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => app.close().then(() => db.close()));
}

app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 0) }).then(
  (address) => process.stdout.write(`listening on ${address}\n`),
  (error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  },
);
