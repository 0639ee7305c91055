// Calls each operation of an OpenAPI document and checks the answers against it.
import { object, valid } from './generate.mjs';
import { signIn } from './sign_in.mjs';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const NOWHERE = { uuid: '01900000-0000-7000-8000-ffffffffffff', integer: '987654321', text: 'nosuchkey9' };

export class Driver {
  constructor(document, server, settings, require, verbose) {
    this.document = document;
    this.server = server;
    this.settings = settings;
    this.verbose = verbose;
    this.faults = [];
    this.calls = 0;
    this.operations = 0;
    const Ajv = require('ajv/dist/2020').default;
    this.ajv = new Ajv({ strict: false, allErrors: true, validateSchema: false });
    require('ajv-formats').default(this.ajv);
    this.ajv.addSchema(document, 'openapi');
    this.depth = 0;
  }

  // The parts of the generators' context.
  resolve(schema) {
    while (schema.$ref) {
      schema = schema.$ref.slice(2).split('/').reduce((node, key) => node[key.replaceAll('~1', '/')], this.document);
    }
    return schema;
  }
  known(name) {
    return this.settings.mine.includes(name) ? this.user : this.settings.known[name];
  }
  // A column that a rule of its own closes to this caller, or that the server makes better than we.
  skip(name) {
    return name === 'id' || name === 'created_at' || name === 'updated_at' || name === 'version';
  }
  // The id of a row of the table, made for this call.
  async row(table) {
    const own = await this.settings.rows?.(table, this);
    if (own !== undefined) return own;
    if (++this.depth > 8) throw new Error(`rows of ${table} need each other`);
    const operation = this.document.paths[`/api/v1/${table}`].post;
    const reply = await this.fetch('POST', `/api/v1/${table}`, await this.body(operation));
    this.depth--;
    const row = JSON.parse(reply.text);
    if (reply.status !== 201) throw new Error(`POST /api/v1/${table}: ${reply.status} ${reply.text}`);
    return row.id;
  }

  async body(operation, onlyRequired = false) {
    const content = operation.requestBody?.content;
    if (!content) return undefined;
    let schema = this.resolve(Object.values(content)[0].schema);
    if (schema.oneOf) schema = this.resolve(schema.oneOf[0]);
    return onlyRequired ? object(schema, this, true) : valid(schema, this);
  }

  async fetch(method, target, body, headers = {}, key = this.key) {
    const init = { method, redirect: 'manual', headers: { ...headers } };
    if (key) init.headers.authorization = `Bearer ${key}`;
    if (body !== undefined) {
      init.body = typeof body === 'string' ? body : JSON.stringify(body);
      init.headers['content-type'] ??= 'application/json';
    }
    const reply = await fetch(this.server.url + target, init);
    return { status: reply.status, headers: reply.headers, text: await reply.text() };
  }

  // ---- checks ----------------------------------------------------------------------------------

  fault(call, what) {
    this.faults.push(`${call}: ${what}`);
  }

  validator(pointer) {
    return this.ajv.getSchema(`openapi#${pointer}`) ?? this.ajv.compile({ $ref: `openapi#${pointer}` });
  }

  pointer(...keys) {
    return keys.map((key) => `/${encodeURIComponent(String(key).replaceAll('~', '~0').replaceAll('/', '~1'))}`).join('');
  }

  // Whether the answer is one that the operation declares.
  check(call, template, method, reply) {
    const operation = this.document.paths[template][method];
    const exact = String(reply.status);
    const range = `${exact[0]}XX`;
    const status = operation.responses[exact] ? exact : operation.responses[range] ? range : undefined;
    if (!status) return this.fault(call, `the status ${exact} is not declared; ${reply.text.slice(0, 300)}`);
    let declared = operation.responses[status];
    let pointer = this.pointer('paths', template, method, 'responses', status);
    if (declared.$ref) {
      pointer = declared.$ref.slice(1);
      declared = this.resolve(declared);
    }
    if (reply.text === '') {
      if (reply.headers.get('content-type')) this.fault(call, 'a Content-Type without content');
      return undefined;
    }
    const type = (reply.headers.get('content-type') ?? '').split(';')[0];
    if (!declared.content?.[type]) {
      return this.fault(call, `${status} declares no content of type ${type || 'none'}: ${reply.text.slice(0, 200)}`);
    }
    if (!type.endsWith('json')) return undefined;
    const validate = this.validator(pointer + this.pointer('content', type, 'schema'));
    const value = JSON.parse(reply.text);
    if (!validate(value)) {
      const found = validate.errors.map((e) => `${e.instancePath} ${e.message}`).join('; ');
      this.fault(call, `${status} does not fit its schema: ${found}: ${reply.text.slice(0, 400)}`);
    }
    return value;
  }

  async call(what, template, method, target, body, headers, expected, key) {
    const call = `${method.toUpperCase()} ${target} (${what})`;
    const reply = await this.fetch(method.toUpperCase(), target, body, headers, key);
    this.calls++;
    if (this.verbose) console.log(`  ${reply.status} ${call}`);
    if (!expected(reply.status)) this.fault(call, `got ${reply.status}: ${reply.text.slice(0, 400)}`);
    const value = this.check(call, template, method, reply);
    return { reply, value };
  }

  // ---- what is called --------------------------------------------------------------------------

  // The address of something that is there: from `settings`, or a row made for it.
  async address(template) {
    if (!template.includes('{')) return template;
    const own = await this.settings.addresses?.(template, this);
    if (own) return template.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(own[name]));
    const table = template.split('/{')[0];
    const create = this.document.paths[table].post;
    const reply = await this.fetch('POST', table, await this.body(create));
    if (reply.status !== 201) throw new Error(`POST ${table}: ${reply.status} ${reply.text}`);
    return reply.headers.get('location');
  }

  nowhere(template, operation) {
    return template.replace(/\{(\w+)\}/g, (_, name) => {
      const schema = operation.parameters.find((p) => p.name === name && p.in === 'path').schema;
      if (schema.format === 'uuid') return NOWHERE.uuid;
      return NOWHERE[schema.type] ?? NOWHERE.text;
    });
  }

  async query(operation, filter) {
    const parts = [];
    for (const parameter of operation.parameters ?? []) {
      if (parameter.in !== 'query' || !parameter.required) continue;
      parts.push(`${parameter.name}=${encodeURIComponent(await valid(parameter.schema, this, parameter.name))}`);
    }
    if (filter) parts.push(filter);
    return parts.length === 0 ? '' : `?${parts.join('&')}`;
  }

  isTable(template) {
    const get = this.document.paths[template].get;
    return Boolean(get?.parameters?.some((p) => p.name === 'cursor'));
  }

  async headers(operation, target) {
    const wanted = operation.parameters?.find((p) => p.in === 'header' && p.name === 'If-Match' && p.required);
    if (!wanted) return {};
    const reply = await this.fetch('GET', target);
    return { 'if-match': reply.headers.get('etag') };
  }

  // Input that is right.
  async right(template, method, operation) {
    const good = (status) => status >= 200 && status < 400;
    const closed = (status) => good(status) || status === 401 || status === 403 || status === 428;
    const table = this.isTable(template);
    const filter = table && (method === 'patch' || method === 'delete') ? 'created_at=lt.2000-01-01T00:00:00Z' : '';
    const address = await this.reachable(template);
    if (address === undefined) {
      const target = this.nowhere(template, operation);
      await this.call('closed', template, method, target, await this.body(operation), {}, closed);
      return;
    }
    const target = address + await this.query(operation, filter);
    const body = await this.right_body(template, method, operation, address);
    const open = this.open(template, method) ? good : closed;
    const { reply, value } = await this.call('right', template, method, target, body,
      await this.headers(operation, address), open);
    this.check_row(template, method, reply, value);
    if (table && method === 'get' && good(reply.status)) await this.pages(template);
    if (operation.parameters?.some((p) => p.name === 'Prefer') && good(reply.status)) {
      const again = await this.reachable(template);
      const minimal = { prefer: 'return=minimal', ...await this.headers(operation, again) };
      await this.call('minimal', template, method, again + await this.query(operation, filter),
        await this.right_body(template, method, operation, again), minimal, good);
      const third = await this.reachable(template);
      const full = { prefer: 'return=representation', ...await this.headers(operation, third) };
      await this.call('representation', template, method, third + await this.query(operation, filter),
        await this.right_body(template, method, operation, third), full, good);
    }
    const retried = operation.parameters?.some((p) => p.name === 'Idempotency-Key');
    if (method === 'post' && retried && good(reply.status)) await this.retry(template, method, operation, target, good);
    if (method === 'post' && table && good(reply.status)) {
      const one = await this.body(operation);
      await this.call('array', template, method, target, [one, await this.body(operation, true)], {}, good);
    }
  }

  async right_body(template, method, operation, address) {
    if (template.endsWith('/batch')) {
      return { operations: [{ method: 'POST', path: '/users', as: 'a',
        body: await this.body(this.document.paths['/api/v1/users'].post) },
      { method: 'PATCH', path: '/users/$a.id', body: { name: 'other' } }] };
    }
    // A replacement is what was read, put back; or what is required, where nothing was.
    if (method === 'put') {
      const read = await this.fetch('GET', address);
      if (read.status === 200) return JSON.parse(read.text);
    }
    if (method === 'patch') return this.body(operation, true);
    return this.body(operation);
  }

  // Whether an operation is expected to work for the caller who bears every role.
  open(template, method) {
    return !this.settings.closed.some((pattern) => pattern.test(`${method} ${template}`));
  }

  async reachable(template) {
    try {
      return await this.address(template);
    } catch (error) {
      if (/: 40[13] /.test(error.message)) return undefined;
      throw error;
    }
  }

  check_row(template, method, reply, value) {
    const call = `${method.toUpperCase()} ${template}`;
    const created = method === 'post' && reply.status === 201 && this.isTable(template);
    const read = method === 'get' && reply.status === 200 && template.startsWith('/api/');
    if (created && !reply.headers.get('location')) this.fault(call, 'no Location');
    if ((created || read) && !reply.headers.get('etag')) this.fault(call, 'no ETag');
    if (!read || !template.includes('{')) return;
    // A row that is not shaped has every column of its schema and no other, for who may see all.
    const schema = this.resolve(this.document.paths[template].get.responses['200'].content['application/json'].schema);
    const declared = Object.keys(schema.properties).sort().join();
    const got = Object.keys(value).sort().join();
    if (declared !== got) this.fault(call, `declares the columns ${declared} and answers ${got}`);
  }

  // A retry with the same Idempotency-Key gets the first answer, byte for byte.
  async retry(template, method, operation, target, expected) {
    const address = template.includes('{') ? await this.reachable(template) : target;
    const body = await this.right_body(template, method, operation, address);
    const headers = { 'idempotency-key': `retry-${++this.calls}` };
    const first = await this.call('first', template, method, address, body, headers, expected);
    const again = await this.call('again', template, method, address, body, headers, expected);
    const call = `${method.toUpperCase()} ${template} (again)`;
    if (again.reply.headers.get('idempotent-replayed') !== 'true') this.fault(call, 'no Idempotent-Replayed');
    if (again.reply.text !== first.reply.text) this.fault(call, `another answer: ${again.reply.text} than ${first.reply.text}`);
  }

  async pages(template) {
    const good = (status) => status === 200;
    const first = await this.call('a page', template, 'get', `${template}?limit=1&count=exact&order=created_at.desc`,
      undefined, {}, good);
    const cursor = first.value?.next_cursor;
    if (cursor) {
      await this.call('the next page', template, 'get', `${template}?limit=1&order=created_at.desc&cursor=${cursor}`,
        undefined, {}, good);
    }
    await this.call('shaped', template, 'get', `${template}?select=id,version&limit=2`, undefined, {}, good);
    const etag = first.reply.headers.get('etag');
    await this.call('unchanged', template, 'get', `${template}?limit=1&count=exact&order=created_at.desc`, undefined,
      { 'if-none-match': etag }, (status) => status === 304);
  }

  // Input that is wrong: each answer is a problem of the right status.
  async wrong(template, method, operation) {
    const is = (...statuses) => (status) => statuses.includes(status);
    const denied = [401, 403];
    const place = this.nowhere(template, operation);
    const query = await this.query(operation, '');
    const reads = method === 'get';
    if (reads && operation.responses['200']?.content) {
      await this.call('no such type', template, method, place + query, undefined, { accept: 'text/x-none' }, is(406));
    }
    const known = operation.parameters?.some((p) => p.in === 'query');
    if (known) {
      const headers = await this.headers_of_nobody(operation);
      await this.call('no such parameter', template, method, `${place}?nosuchparameter=1`,
        method === 'get' || method === 'delete' ? undefined : {}, headers, is(400, ...denied));
    }
    if (this.isTable(template) && reads) {
      await this.call('no such limit', template, method, `${place}?limit=0`, undefined, {}, is(400, ...denied));
      await this.call('no such column', template, method, `${place}?select=nosuchcolumn`, undefined, {}, is(400, ...denied));
    }
    if (template.includes('{') && !template.includes('/commands/')) {
      const headers = { ...await this.headers_of_nobody(operation) };
      const body = operation.requestBody ? (method === 'put' ? { nosuchmember: 1 } : {}) : undefined;
      await this.call('nothing there', template, method, place, body, headers, is(404, 412, 422, ...denied));
    }
    if (operation.requestBody) {
      const headers = { ...await this.headers_of_nobody(operation) };
      await this.call('no JSON', template, method, place + query, '{', headers, is(400, 404, ...denied));
      await this.call('another type', template, method, place + query, 'x', { ...headers, 'content-type': 'text/plain' }, is(415));
      await this.call('no such member', template, method, place + query, { nosuchmember: 1 }, headers,
        is(400, 404, 412, 422, ...denied));
    }
    const body = operation.requestBody ? {} : undefined;
    await this.call('as nobody', template, method, place + query, body, {}, (status) => status < 500, null);
    // What anybody may ask looks at no credentials.
    const ruled = template !== '/livez' && template !== '/readyz';
    await this.call('with a wrong key', template, method, place + query, body, {}, is(ruled ? 401 : 200),
      'mtl_wrong_key');
  }

  async headers_of_nobody(operation) {
    const wanted = operation.parameters?.some((p) => p.in === 'header' && p.name === 'If-Match' && p.required);
    return wanted ? { 'if-match': '"1-x"' } : {};
  }

  // The first person and a key of theirs with every role.
  async sign_in() {
    const roles = this.settings.roles.flatMap((role) => ['--role', role]);
    this.key = this.server.key(...roles);
    this.user = await this.row('users');
    this.key = this.server.key(...roles, '--user', this.user);
  }

  async run() {
    await this.sign_in();
    const ours = [];
    for (const [template, item] of Object.entries(this.document.paths)) {
      for (const method of METHODS) {
        const operation = item[method];
        if (!operation) continue;
        this.operations++;
        if (operation.tags?.includes('sign-in')) {
          ours.push([template, method]);
          continue;
        }
        try {
          await this.right(template, method, operation);
          await this.wrong(template, method, operation);
        } catch (error) {
          this.fault(`${method.toUpperCase()} ${template}`, error.stack.split('\n').slice(0, 4).join(' '));
        }
      }
    }
    if (ours.length > 0) await signIn(this, ours);
  }
}
