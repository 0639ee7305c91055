// Access tokens before another library (npm's jose): ours verify by the published keys, and tokens that it forges in every
// way that has worked against somebody (no signature, another key, another algorithm, HMAC with a public key, wrong issuer,
// audience, type, times) open nothing. For each algorithm that the app file may name.
//
//   node tests/auth/tokens_test.mjs --binary build/dev/mettle
//
// Exit code 77 (skipped) without tools/npm/node_modules (`make setup`).
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { Server } from '../openapi/server.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const NPM = path.join(ROOT, 'tools/npm');
if (!existsSync(path.join(NPM, 'node_modules/jose'))) {
  console.error('tokens: tools/npm/node_modules/jose is not there: make setup');
  process.exit(77);
}
const jose = createRequire(path.join(NPM, 'x.js'))('jose');
const at = process.argv.indexOf('--binary');
const binary = path.resolve(at < 0 ? path.join(ROOT, 'build/dev/mettle') : process.argv[at + 1]);

const ISSUER = 'https://club.example';
const AUDIENCE = 'club';

async function post(url, body) {
  const answer = await fetch(url, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}

async function me(server, token) {
  const answer = await fetch(`${server.url}/auth/me`, { headers: { authorization: `Bearer ${token}` } });
  await answer.arrayBuffer();
  return answer.status;
}

// Whoever verifies by what is published: as another service would.
async function verifies(server, token, algorithm) {
  const keys = jose.createRemoteJWKSet(new URL(`${server.url}/.well-known/jwks.json`));
  const { payload, protectedHeader } = await jose.jwtVerify(token, keys, {
    issuer: ISSUER, audience: AUDIENCE, typ: 'at+jwt', algorithms: [algorithm], requiredClaims: ['exp', 'nbf', 'iat', 'jti', 'sub'],
  });
  assert.equal(protectedHeader.alg, algorithm);
  assert.equal(payload.exp - payload.iat, 900);
  const { keys: published } = await (await fetch(`${server.url}/.well-known/jwks.json`)).json();
  for (const key of published) {
    for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) assert.ok(!(secret in key), `${secret} is published`);
    assert.equal(await jose.calculateJwkThumbprint(key), key.kid);
  }
}

async function forgeries(server, token, algorithm) {
  const header = jose.decodeProtectedHeader(token);
  const claims = jose.decodeJwt(token);
  const [head, payload, signature] = token.split('.');
  const text = (part) => Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');
  const own = algorithm === 'HS256' ? { privateKey: Buffer.alloc(32, 7) } : await jose.generateKeyPair(algorithm);
  const signed = (changes, headers = {}) => new jose.SignJWT({ ...claims, ...changes })
    .setProtectedHeader({ ...header, ...headers }).sign(own.privateKey);
  const { keys } = await (await fetch(`${server.url}/.well-known/jwks.json`)).json();
  const made = {
    'none': `${text({ ...header, alg: 'none' })}.${payload}.`,
    'None, with the old signature': `${text({ ...header, alg: 'None' })}.${payload}.${signature}`,
    'no signature': `${head}.${payload}.`,
    'other claims under the old signature': `${head}.${text({ ...claims, sub: '00000000-0000-7000-8000-000000000000' })}.${signature}`,
    'another key under our kid': await signed({}),
    'another key under its own kid': await signed({}, { kid: 'mine' }),
    'no kid': await signed({}, { kid: undefined }),
    'a key in the header': await signed({}, { jwk: algorithm === 'HS256' ? { kty: 'oct' } : await jose.exportJWK(own.publicKey) }),
    'a key at an address': await signed({}, { jku: `${server.url}/.well-known/jwks.json` }),
    'a path as kid': await signed({}, { kid: '../../../dev/null' }),
    'an empty secret': await new jose.SignJWT(claims).setProtectedHeader({ ...header, alg: 'HS256' }).sign(Buffer.alloc(1)),
    'an encrypted token': await new jose.EncryptJWT(claims).setProtectedHeader({ alg: 'dir', enc: 'A256GCM' }).encrypt(Buffer.alloc(32)),
    'nothing': '..',
  };
  // RS/HS confusion: HMAC with what everybody can read.
  for (const key of keys) {
    for (const secret of [JSON.stringify(key), key.x ?? key.n, Buffer.from(key.x ?? key.n, 'base64url')]) {
      made[`HMAC with the public key (${typeof secret}, ${secret.length})`] = await new jose.SignJWT(claims)
        .setProtectedHeader({ ...header, alg: 'HS256' }).sign(Buffer.from(secret));
    }
  }
  for (const [name, forged] of Object.entries(made)) {
    assert.equal(await me(server, forged), 401, `${algorithm}: ${name} was taken: ${forged}`);
  }
  return Object.keys(made).length;
}

const folder = mkdtempSync(path.join(tmpdir(), 'mettle-tokens-'));
let failed = 0;
process.env.METTLE_PUBLIC_URL = ISSUER;
for (const algorithm of ['EdDSA', 'ES256', 'RS256', 'HS256']) {
  const app = path.join(folder, `${algorithm}.yaml`);
  writeFileSync(app, `mettle: 1\napp: ${AUDIENCE}\nauth: {table: users, tokens: {algorithm: ${algorithm}}}\n`);
  const server = new Server(binary, app);
  try {
    await server.start();
    const person = { email: 'ada@example.com', password: 'correct horse battery' };
    const { status, body } = await post(`${server.url}/auth/register`, person);
    assert.equal(status, 201, JSON.stringify(body));
    assert.equal(jose.decodeProtectedHeader(body.access_token).alg, algorithm);
    assert.equal(await me(server, body.access_token), 200);
    if (algorithm !== 'HS256') await verifies(server, body.access_token, algorithm);
    const tried = await forgeries(server, body.access_token, algorithm);
    assert.equal(await me(server, body.access_token), 200);
    console.log(`${algorithm}: verified by jose; ${tried} forgeries refused`);
  } catch (error) {
    failed += 1;
    console.error(`${algorithm}: ${error.message}`);
  } finally {
    const code = await server.stop();
    if (code !== 0) { failed += 1; console.error(`${algorithm}: the server ended with ${code}:\n${server.log.slice(-2000)}`); }
    server.remove();
  }
}
rmSync(folder, { recursive: true, force: true });
process.exit(failed ? 1 : 0);
