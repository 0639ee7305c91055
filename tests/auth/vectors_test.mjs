// Access tokens by vectors of the categories of Wycheproof's JWS and JWK sets (no package of Debian or npm carries the files, so
// these are made here): each a token and whether it must be taken. They are signed with the server's own key, taken from its
// database, so that what is refused is refused for the one thing that is wrong with it. For each algorithm that the app file may
// name: valid ones are taken, 100 % of the invalid ones are refused.
//
//   node tests/auth/vectors_test.mjs --binary build/dev/mettle
//
// Exit code 77 (skipped) without tools/npm/node_modules (`make setup`).
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { Server } from '../openapi/server.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const NPM = path.join(ROOT, 'tools/npm');
if (!existsSync(path.join(NPM, 'node_modules/jose'))) {
  console.error('vectors: tools/npm/node_modules/jose is not there: make setup');
  process.exit(77);
}
const jose = createRequire(path.join(NPM, 'x.js'))('jose');
const at = process.argv.indexOf('--binary');
const binary = path.resolve(at < 0 ? path.join(ROOT, 'build/dev/mettle') : process.argv[at + 1]);

const b64 = (content) => Buffer.from(content).toString('base64url');
const json = (value) => b64(JSON.stringify(value));

// The private half of the key that signs, as the server keeps it.
function storedKey(data, algorithm) {
  const script = 'import sqlite3,sys\nb=sqlite3.connect(sys.argv[1])\nprint(b.execute("SELECT hex(private) FROM mettle_signing_keys").fetchone()[0])';
  const raw = Buffer.from(execFileSync('python3', ['-c', script, path.join(data, 'app.db')], { encoding: 'utf8' }).trim(), 'hex');
  return algorithm === 'HS256' ? raw : crypto.createPrivateKey({ key: raw, format: 'der', type: 'pkcs8' });
}

function sign(key, algorithm, text) {
  switch (algorithm) {
    case 'HS256': return crypto.createHmac('sha256', key).update(text).digest();
    case 'EdDSA': return crypto.sign(null, Buffer.from(text), key);
    case 'ES256': return crypto.sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' });
    default: return crypto.sign('sha256', Buffer.from(text), key);
  }
}

class Vectors {
  constructor(key, algorithm, header, claims) {
    Object.assign(this, { key, algorithm, header, claims, all: [] });
  }

  // Parts as they stand (text or bytes), signed with the right key.
  made(head, payload) {
    const text = `${typeof head === 'string' ? head : json(head)}.${typeof payload === 'string' ? payload : json(payload)}`;
    return `${text}.${b64(sign(this.key, this.algorithm, text))}`;
  }

  add(what, token, valid = false) { this.all.push({ what, token, valid }); }
  head(what, changes, valid = false) { this.add(`header: ${what}`, this.made({ ...this.header, ...changes }, this.claims), valid); }
  claim(what, changes, valid = false) { this.add(`claims: ${what}`, this.made(this.header, { ...this.claims, ...changes }), valid); }
}

function signatures(v, good) {
  const [head, payload, signature] = good.split('.');
  const bytes = Buffer.from(signature, 'base64url');
  const other = (what, made) => v.add(`signature: ${what}`, `${head}.${payload}.${b64(made)}`);
  other('none', '');
  for (const length of [1, bytes.length / 2, bytes.length - 1]) other(`cut to ${length}`, bytes.subarray(0, length));
  other('a byte more', Buffer.concat([bytes, Buffer.from([0])]));
  other('a byte before', Buffer.concat([Buffer.from([0]), bytes]));
  other('zeros', Buffer.alloc(bytes.length));
  other('ones', Buffer.alloc(bytes.length, 255));
  other('twice', Buffer.concat([bytes, bytes]));
  other('halves swapped', Buffer.concat([bytes.subarray(bytes.length / 2), bytes.subarray(0, bytes.length / 2)]));
  other('backwards', Buffer.from(bytes).reverse());
  for (let bit = 0; bit < bytes.length * 8; bit += 5) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] ^= 1 << (bit & 7);
    other(`bit ${bit} changed`, changed);
  }
  other('of the payload alone', sign(v.key, v.algorithm, payload));
  other('of the decoded payload', sign(v.key, v.algorithm, Buffer.from(payload, 'base64url')));
  if (v.algorithm === 'ES256') {
    const n = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');
    const number = (value) => Buffer.from(value.toString(16).padStart(64, '0'), 'hex');
    const [r, s] = [bytes.subarray(0, 32), bytes.subarray(32)];
    const edge = { 0: 0n, 1: 1n, n, 'n - 1': n - 1n, 'n + 1': n + 1n };
    for (const [name, value] of Object.entries(edge)) {
      other(`r is ${name}`, Buffer.concat([number(value), s]));
      other(`s is ${name}`, Buffer.concat([r, number(value)]));
      for (const [second, more] of Object.entries(edge)) other(`r is ${name}, s is ${second}`, Buffer.concat([number(value), number(more)]));
    }
    other('as DER', crypto.sign('sha256', Buffer.from(`${head}.${payload}`), v.key));
    other('over SHA-384', crypto.sign('sha384', Buffer.from(`${head}.${payload}`), { key: v.key, dsaEncoding: 'ieee-p1363' }));
  }
  if (v.algorithm === 'RS256') {
    const text = Buffer.from(`${head}.${payload}`);
    other('by PSS', crypto.sign('sha256', text, { key: v.key, padding: crypto.constants.RSA_PKCS1_PSS_PADDING }));
    for (const hash of ['sha1', 'sha384', 'sha512', 'md5']) other(`over ${hash}`, crypto.sign(hash, text, v.key));
    const digest = crypto.createHash('sha256').update(text).digest();
    other('without its DigestInfo', crypto.privateEncrypt(v.key, digest));
    const info = Buffer.concat([Buffer.from('3031300d060960864801650304020105000420', 'hex'), digest]);
    const size = v.key.asymmetricKeyDetails.modulusLength / 8;
    const raw = (padded) => crypto.privateEncrypt({ key: v.key, padding: crypto.constants.RSA_NO_PADDING }, padded);
    const padded = (block, fill, gap = 0) => {
      const out = Buffer.alloc(size, fill);
      out.set([0, block], 0);
      out[size - block.length - gap - 1] = 0;
      return out;
    };
    const whole = (kind, tail) => Buffer.concat([Buffer.from([0, kind]), Buffer.alloc(size - 3 - tail.length, 255), Buffer.from([0]), tail]);
    other('with block type 2', raw(whole(2, info)));
    other('with what follows the digest', raw(Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(8, 255), Buffer.from([0]), info,
      Buffer.alloc(size - 11 - info.length, 7)])));
    other('without NULL in its DigestInfo', raw(whole(1, Buffer.concat([Buffer.from('302f300b0609608648016503040201', 'hex'), Buffer.from('0420', 'hex'), digest]))));
    other('with short padding of zeros', raw(padded(Buffer.from([1]), 0)));
  }
  if (v.algorithm === 'EdDSA') {
    const order = (1n << 252n) + 27742317777372353535851937790883648493n;
    let s = 0n;
    for (let i = 63; i >= 32; i -= 1) s = (s << 8n) | BigInt(bytes[i]);
    let more = s + order;  // the same point: a second signature that must not be one
    const tail = Buffer.alloc(32);
    for (let i = 0; i < 32; i += 1) { tail[i] = Number(more & 255n); more >>= 8n; }
    other('with s over the order', Buffer.concat([bytes.subarray(0, 32), tail]));
    for (const point of ['01', '00', 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f']) {
      other(`R is the small point ${point.slice(0, 2)}`, Buffer.concat([Buffer.from(point.padEnd(64, '0'), 'hex'), Buffer.alloc(32)]));
    }
  }
  if (v.algorithm === 'HS256') {
    for (const length of [8, 16, 31]) other(`cut to ${length} bytes`, bytes.subarray(0, length));
    for (const hash of ['sha384', 'sha512', 'sha1']) other(`with ${hash}`, crypto.createHmac(hash, v.key).update(`${head}.${payload}`).digest());
    for (const secret of ['', 'secret', 'key', '\0', b64(v.key), v.key.toString('hex')]) {
      other(`with the secret ${secret.slice(0, 6)}`, crypto.createHmac('sha256', secret).update(`${head}.${payload}`).digest());
    }
  }
}

async function headers(v) {
  const { alg } = v.header;
  v.head('as it is', {}, true);
  for (const name of ['none', 'None', 'NONE', 'nOnE', '', ' ', alg.toLowerCase() === alg ? alg.toUpperCase() : alg.toLowerCase(), `${alg} `, `${alg}\0`,
    'HS384', 'HS512', 'ES384', 'ES512', 'RS384', 'RS512', 'PS256', 'EdDSA2', 'Ed25519', 'dir', 'RSA1_5', null, 1, true, [alg], { alg }]) {
    v.head(`alg ${JSON.stringify(name)}`, { alg: name });
  }
  for (const name of ['HS256', 'ES256', 'RS256', 'EdDSA']) if (name !== alg) v.head(`alg ${name}, under the right key`, { alg: name });
  v.head('no alg', { alg: undefined });
  for (const kid of ['', 'x', '../../dev/null', "' OR 1=1 --", v.header.kid.slice(1), `${v.header.kid} `, `${v.header.kid}\0`, [v.header.kid], { kid: v.header.kid }, 1,
    null, true, '0', 'x'.repeat(2000)]) v.head(`kid ${JSON.stringify(kid).slice(0, 30)}`, { kid });
  v.head('no kid', { kid: undefined });
  for (const typ of ['JWT', 'jwt', 'at+JWT', 'application/at+jwt', '', null, 1, ['at+jwt'], 'dpop+jwt', 'logout+jwt', 'JOSE']) v.head(`typ ${JSON.stringify(typ)}`, { typ });
  v.head('no typ', { typ: undefined });
  const own = crypto.generateKeyPairSync('ed25519');
  for (const [name, value] of Object.entries({ crit: ['exp'], b64: false, cty: 'JWT', zip: 'DEF', jku: 'http://127.0.0.1:1/', x5u: 'http://127.0.0.1:1/', x5c: ['AA=='], x5t: 'AA',
    'x5t#S256': 'AA', jwk: own.publicKey.export({ format: 'jwk' }), enc: 'A256GCM', epk: {}, p2c: 1e9, url: 'x', nonce: 'x', exp: 1, iss: 'x' })) {
    v.head(`with ${name}`, { [name]: value });
  }
  v.head('crit of nothing', { crit: [] });
  const raw = (what, text) => v.add(`header: ${what}`, v.made(b64(text), v.claims));
  const text = JSON.stringify(v.header);
  raw('alg twice, the wrong one last', text.replace('}', ',"alg":"none"}'));
  raw('alg twice, the right one last', text.replace('{', '{"alg":"none",'));
  raw('kid twice', text.replace('}', ',"kid":"x"}'));
  raw('behind a byte order mark', `\uFEFF${text}`);
  raw('with what follows', `${text}x`);
  raw('twice', text + text);
  raw('cut', text.slice(0, -1));
  raw('a list', `[${text}]`);
  raw('a text', JSON.stringify(text));
  raw('null', 'null');
  raw('a number', '1');
  raw('nothing', '');
  raw('with a comment', `/**/${text}`);
  raw('in single quotes', text.replaceAll('"', "'"));
  raw('a comma at the end', text.replace('}', ',}'));
  raw('no UTF-8', Buffer.concat([Buffer.from(text.slice(0, -1)), Buffer.from(',"x":"'), Buffer.from([0xff]), Buffer.from('"}')]));
  raw('UTF-16', Buffer.from(text, 'utf16le'));
  raw('a NUL behind', `${text}\0`);
  raw('deep', `${'['.repeat(1500)}${']'.repeat(1500)}`);
}

function forms(v, good) {
  const [head, payload, signature] = good.split('.');
  const form = (what, token) => v.add(`form: ${what}`, token);
  form('two parts', `${head}.${payload}`);
  form('four parts', `${good}.x`);
  form('five parts', `${head}..${payload}.${signature}.x`);
  form('a point at the end', `${good}.`);
  form('a point before', `.${good}`);
  form('no header', `.${payload}.${signature}`);
  form('no payload', `${head}..${signature}`);
  form('only points', '..');
  form('detached', `${head}..${b64(sign(v.key, v.algorithm, `${head}.`))}`);
  form('padded', good.split('.').map((part) => part + '='.repeat((4 - (part.length % 4)) % 4)).join('.'));
  form('a padded signature', `${head}.${payload}.${signature}=`);
  form('base64 with + and /', `${head}.${payload}.${Buffer.from(signature, 'base64url').toString('base64').replace(/=/g, '')}+/`);
  form('a space inside', `${head}.${payload.slice(0, 8)} ${payload.slice(8)}.${signature}`);
  form('other bits behind the last byte', otherBits(good));
  form('in braces', `{${good}}`);
  form('in quotes', `"${good}"`);
  form('as JSON', JSON.stringify({ protected: head, payload, signature }));
  form('as general JSON', JSON.stringify({ payload, signatures: [{ protected: head, signature }] }));
  form('percent encoded', good.replaceAll('.', '%2e'));
  form('too long', v.made(v.header, { ...v.claims, x: 'x'.repeat(5000) }));
}

// The last character of a part has bits that belong to no byte: another character there is the same bytes.
function otherBits(token) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const parts = token.split('.');
  for (let i = 2; i >= 0; i -= 1) {
    if (parts[i].length % 4 === 0) continue;
    const last = alphabet.indexOf(parts[i].at(-1));
    parts[i] = parts[i].slice(0, -1) + alphabet[last ^ 1];
    return parts.join('.');
  }
  return `${token}A`;
}

function claims(v) {
  const now = Math.floor(Date.now() / 1000);
  v.claim('as they are', {}, true);
  v.claim('one more', { more: { deep: [1, 2, 3] } }, true);
  v.claim('expires later', { exp: v.claims.exp + 100 }, true);
  for (const name of ['iss', 'aud', 'sub', 'sid', 'jti', 'exp', 'nbf', 'iat']) {
    v.claim(`no ${name}`, { [name]: undefined });
    for (const value of [null, true, {}, [], [[]], -1.5]) v.claim(`${name} ${JSON.stringify(value)}`, { [name]: value });
  }
  for (const name of ['exp', 'nbf', 'iat']) {
    for (const value of [`${v.claims[name]}`, v.claims[name] + 0.5, [v.claims[name]], 1e400]) v.claim(`${name} ${JSON.stringify(value)}`, { [name]: value });
  }
  const raw = (what, text) => v.add(`claims: ${what}`, v.made(v.header, b64(text)));
  const text = JSON.stringify(v.claims);
  for (const value of ['1e300', '9223372036854775808', '-9223372036854775809', 'NaN', 'Infinity', '0x7fffffff', '01795424722', '+1795424722']) {
    raw(`exp ${value}`, text.replace(/"exp":\d+/, `"exp":${value}`));
  }
  v.claim('expired', { exp: now - 1 });
  v.claim('expires now', { exp: now });
  v.claim('expired long ago', { exp: 0 });
  v.claim('expired before 1970', { exp: -1 });
  v.claim('not yet', { nbf: now + 3600 });
  v.claim('issued in the future', { iat: now + 3600 });
  for (const value of ['', 'x', `${v.claims.iss}/`, v.claims.iss.toUpperCase(), ` ${v.claims.iss}`, [v.claims.iss], `${v.claims.iss}\0`]) {
    v.claim(`iss ${JSON.stringify(value)}`, { iss: value });
  }
  for (const value of ['', 'x', v.claims.aud.toUpperCase(), ['x'], [], [v.claims.aud, 'x'], [v.claims.aud], `${v.claims.aud} x`]) {
    v.claim(`aud ${JSON.stringify(value)}`, { aud: value });
  }
  for (const value of ['', 'x', '00000000-0000-7000-8000-000000000000', v.claims.sub.toUpperCase(), [v.claims.sub], { id: v.claims.sub }, 7]) {
    v.claim(`sub ${JSON.stringify(value)}`, { sub: value });
  }
  for (const value of ['', 'x', '../x', [v.claims.sid], 7]) v.claim(`sid ${JSON.stringify(value)}`, { sid: value });
  raw('twice sub', text.replace('}', ',"sub":"x"}'));
  raw('twice exp', text.replace('{', '{"exp":99999999999,'));
  raw('cut', text.slice(0, -1));
  raw('a list', `[${text}]`);
  raw('nothing', '');
  raw('null', 'null');
  raw('a text', '"x"');
  raw('no UTF-8', Buffer.concat([Buffer.from(text.slice(0, -1)), Buffer.from(',"x":"'), Buffer.from([0xc0, 0x80]), Buffer.from('"}')]));
  raw('behind a byte order mark', `\uFEFF${text}`);
  raw('with what follows', `${text} x`);
}

async function otherKeys(v, server) {
  const text = `${json(v.header)}.${json(v.claims)}`;
  const key = (what, made) => v.add(`key: ${what}`, `${text}.${b64(made)}`);
  const kinds = { EdDSA: ['ed25519'], ES256: ['ec', { namedCurve: 'P-256' }], RS256: ['rsa', { modulusLength: 2048 }] };
  if (v.algorithm !== 'HS256') key('another of its kind', sign(crypto.generateKeyPairSync(...kinds[v.algorithm]).privateKey, v.algorithm, text));
  for (const [name, kind] of Object.entries(kinds)) {
    if (name !== v.algorithm) key(`one of ${name}`, sign(crypto.generateKeyPairSync(...kind).privateKey, name, text));
  }
  key('no secret', crypto.createHmac('sha256', '').update(text).digest());
  const { keys } = await (await fetch(`${server.url}/.well-known/jwks.json`)).json();
  for (const jwk of keys) {
    const open = crypto.createPublicKey({ key: jwk, format: 'jwk' });
    const shapes = { pem: open.export({ type: 'spki', format: 'pem' }), der: open.export({ type: 'spki', format: 'der' }), jwk: JSON.stringify(jwk),
      kid: jwk.kid, x: Buffer.from(jwk.x ?? jwk.n, 'base64url'), 'pem without its last line': open.export({ type: 'spki', format: 'pem' }).trim() };
    for (const [name, secret] of Object.entries(shapes)) {
      for (const alg of ['HS256', v.algorithm]) {
        const confused = `${json({ ...v.header, alg })}.${json(v.claims)}`;
        v.add(`key: the public one as a secret (${name}, alg ${alg})`, `${confused}.${b64(crypto.createHmac('sha256', secret).update(confused).digest())}`);
      }
    }
  }
}

// http.request, which takes header values as they are, also where fetch would not.
const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
const me = (server, token) => new Promise((resolve, reject) => {
  const request = http.request(`${server.url}/auth/me`, { agent, headers: { authorization: `Bearer ${token}` } }, (answer) => {
    answer.resume();
    answer.on('end', () => resolve(answer.statusCode));
  });
  request.on('error', reject);
  request.end();
});

async function examine(algorithm, folder) {
  const app = path.join(folder, `${algorithm}.yaml`);
  writeFileSync(app, `mettle: 1\napp: club\nauth: {table: users, tokens: {algorithm: ${algorithm}}}\n`);
  const server = new Server(binary, app);
  try {
    await server.start();
    const person = { email: 'ada@example.com', password: 'correct horse battery' };
    const answer = await fetch(`${server.url}/auth/register`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(person) });
    const token = (await answer.json()).access_token;
    assert.equal(answer.status, 201);
    const v = new Vectors(storedKey(server.data, algorithm), algorithm, jose.decodeProtectedHeader(token), jose.decodeJwt(token));
    v.add('the server\'s own', token, true);
    const good = v.made(v.header, v.claims);
    if (algorithm !== 'HS256') await jose.jwtVerify(good, crypto.createPublicKey(v.key), { algorithms: [algorithm] });
    signatures(v, good);
    await headers(v);
    forms(v, good);
    claims(v);
    await otherKeys(v, server);
    const wrong = [];
    for (let begin = 0; begin < v.all.length; begin += 8) {
      await Promise.all(v.all.slice(begin, begin + 8).map(async ({ what, token: text, valid }) => {
        // eslint-disable-next-line no-control-regex
        const sendable = /^[\x20-\x7e]*$/.test(text) ? text : encodeURI(text);
        const status = await me(server, sendable);
        const taken = status === 200;
        if (taken !== valid || (!taken && ![400, 401, 431].includes(status))) wrong.push(`${what}: ${status}\n    ${text.slice(0, 300)}`);
      }));
    }
    assert.equal(await me(server, token), 200, 'the good one is taken after all that');
    const valid = v.all.filter((one) => one.valid).length;
    assert.ok(v.all.length > 250, 'there are many');
    console.log(`${algorithm}: ${valid} valid taken, ${v.all.length - valid} invalid, ${wrong.length} wrong`);
    return wrong.map((one) => `${algorithm} ${one}`);
  } finally {
    const code = await server.stop();
    if (code !== 0) throw new Error(`the server ended with ${code}:\n${server.log.slice(-2000)}`);
    server.remove();
  }
}

const folder = mkdtempSync(path.join(tmpdir(), 'mettle-vectors-'));
const wrong = [];
for (const algorithm of ['EdDSA', 'ES256', 'RS256', 'HS256']) wrong.push(...await examine(algorithm, folder));
rmSync(folder, { recursive: true, force: true });
agent.destroy();
if (wrong.length) console.error(wrong.join('\n'));
process.exit(wrong.length ? 1 : 0);
