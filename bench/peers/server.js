'use strict';
// The peer that `bench/run` measures Mettle against: the same two requests as a competent user writes them with Fastify and
// better-sqlite3. Statements are prepared once, answers are serialised by schema, bodies are validated by schema, keys are
// stored as hashes, each request is one line of an asynchronous log, and each write is durable before it is answered.
//
//   node server.js DATABASE LOG   takes a free port of the loopback and prints `listening on http://…`

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
const findKey = db.prepare('SELECT hash, role FROM keys WHERE id = ?');

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

function roleOf(header) {
  const match = /^Bearer key_([0-9a-f]{16})_([0-9a-f]{64})$/.exec(header ?? '');
  if (match === null) return undefined;
  const key = findKey.get(match[1]);
  const hash = crypto.createHash('sha256').update(match[2]).digest();
  return key !== undefined && crypto.timingSafeEqual(hash, key.hash) ? key.role : undefined;
}

function adminsOnly(request, reply, done) {
  const role = roleOf(request.headers.authorization);
  if (role === 'admin') done();
  else if (role === undefined) reply.code(401).send({ error: 'no key' });
  else reply.code(403).send({ error: 'not allowed' });
}

app.get('/api/v1/products/:id', { schema: { params: idSchema, response: { 200: productSchema } } }, (request, reply) => {
  const product = findProduct.get(request.params.id);
  if (product === undefined) {
    reply.code(404).send({ error: 'no such product' });
    return;
  }
  product.price = (product.price / 100).toFixed(2);
  reply.header('etag', `"${product.version}"`).send(product);
});

app.post('/api/v1/categories', {
  onRequest: adminsOnly,
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

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => app.close().then(() => db.close()));
}

app.listen({ host: '127.0.0.1', port: 0 }).then(
  (address) => process.stdout.write(`listening on ${address}\n`),
  (error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  },
);
