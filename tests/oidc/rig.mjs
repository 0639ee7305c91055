// What the tests of signing in with a provider stand on: OpenID providers (npm's oidc-provider) that can be made to lie, a
// browser as far as a redirect needs one, and Mettle itself with an app that names the providers.
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { Server } from '../openapi/server.mjs';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const NPM = path.join(ROOT, 'tools/npm');
const PROVIDER = path.join(NPM, 'node_modules/oidc-provider/lib/index.js');
if (!existsSync(PROVIDER)) {
  console.error('oidc: tools/npm/node_modules/oidc-provider is not there: make setup');
  process.exit(77);
}
export const jose = createRequire(path.join(NPM, 'x.js'))('jose');
// It says that it is not meant for plain HTTP, which is all there is on loopback.
for (const word of ['warn', 'info']) console[word] = () => {};
const { default: Provider } = await import(pathToFileURL(PROVIDER).href);

export const CLIENT = 'shop';
export const SECRET = 'secret-of-the-shop-0123456789abcdef';
// Where the server is told that providers are near, and that a test may say from which address it comes.
export const ENVIRONMENT = { METTLE_PROVIDERS_REACH: 'loopback', METTLE_TRUSTED_PROXIES: '127.0.0.1', OIDC_SECRET: SECRET };

export function option(name, fallback) {
  const at = process.argv.indexOf(name);
  return at < 0 ? fallback : process.argv[at + 1];
}
export const BINARY = path.resolve(option('--binary', path.join(ROOT, 'build/dev/mettle')));

export const base64url = (bytes) => Buffer.from(bytes).toString('base64url');
export const challengeOf = (verifier) => createHash('sha256').update(verifier).digest('base64url');
export const newVerifier = () => randomBytes(48).toString('base64url');

const isNear = (address) => /^http:\/\/(127\.0\.0\.1|localhost):/.test(address);
const listen = (server) => new Promise((resolve) => { server.listen(0, '127.0.0.1', () => resolve(server.address().port)); });

// An OpenID provider. Who comes to it is signed in as `x-sign-in-as` says (a browser of these tests) or as `who`.
export class Issuer {
  constructor({ inToken = true, algorithm = 'RS256', host = '127.0.0.1' } = {}) {
    this.host = host;
    this.inToken = inToken; // whether the ID token has the address, or UserInfo alone
    this.algorithm = algorithm;
    this.people = new Map();
    this.who = undefined;
    this.twist = undefined; // (token answer, issuer) → what is sent instead
    this.twistLocation = undefined; // (address, issuer) → where the browser is sent instead
    this.requests = []; // paths that were asked for
    this.forms = []; // what the token endpoint was sent
  }

  async listen() {
    this.server = createServer((request, response) => this.handle(request, response));
    this.url = `http://${this.host}:${await listen(this.server)}`;
    const type = this.algorithm === 'RS256' ? ['rsa', { modulusLength: 2048 }] : ['ec', { namedCurve: 'P-256' }];
    const { privateKey, publicKey } = generateKeyPairSync(...type);
    this.key = privateKey;
    this.publicPem = publicKey.export({ type: 'spki', format: 'pem' });
    this.jwk = { ...privateKey.export({ format: 'jwk' }), kid: 'k1', use: 'sig', alg: this.algorithm };
  }

  // `redirects`: where Mettle lets browsers come back to.
  start(redirects) {
    this.provider = new Provider(this.url, {
      clients: [{
        client_id: CLIENT, client_secret: SECRET, redirect_uris: redirects, grant_types: ['authorization_code'],
        response_types: ['code'], id_token_signed_response_alg: this.algorithm, token_endpoint_auth_method: 'client_secret_basic',
      }],
      jwks: { keys: [this.jwk] },
      claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
      conformIdTokenClaims: !this.inToken,
      cookies: { keys: ['a key of the test'] },
      features: { devInteractions: { enabled: false } },
      pkce: { methods: ['S256'], required: () => true },
      interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
      findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...this.people.get(id) }) }),
      loadExistingGrant: async (ctx) => {
        const grant = new this.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
        grant.addOIDCScope('openid email profile');
        await grant.save();
        return grant;
      },
    });
    this.provider.use(async (ctx, next) => {
      await next();
      const { route } = ctx.oidc ?? {};
      if (route === 'token') this.forms.push(ctx.oidc.body);
      if (route === 'token' && ctx.status === 200 && this.twist) ctx.body = await this.twist(ctx.body, this);
      const location = ctx.response.get('location');
      if (location && this.twistLocation && !location.startsWith('/')) ctx.response.set('location', this.twistLocation(location, this));
    });
    this.callback = this.provider.callback();
  }

  async handle(request, response) {
    this.requests.push(request.url);
    if (!request.url.startsWith('/interaction/')) return this.callback(request, response);
    const who = request.headers['x-sign-in-as'] ?? this.who;
    const result = who === 'nobody' ? { error: 'access_denied' } : { login: { accountId: who } };
    return this.provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  }

  // An ID token like that one, with other claims or under another key.
  async forge(token, claims = {}, header = {}, key = this.key) {
    const made = { ...jose.decodeJwt(token), ...claims };
    for (const [name, value] of Object.entries(made)) if (value === undefined) delete made[name];
    return new jose.SignJWT(made).setProtectedHeader({ alg: this.algorithm, kid: 'k1', ...header }).sign(key);
  }

  stop() {
    this.server?.closeAllConnections();
    this.server?.close();
  }
}

// A server that answers as a provider's document says, for what no real provider does.
export class Liar {
  constructor(answers) { this.answers = answers; }

  async listen() {
    this.server = createServer((request, response) => {
      const [, name, ...rest] = request.url.split('?')[0].split('/');
      const answer = this.answers[name]?.(rest.join('/'), `${this.url}/${name}`, response);
      if (answer === undefined) return; // it answers by itself, or never
      response.setHeader('content-type', 'application/json');
      response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
    });
    this.url = `http://127.0.0.1:${await listen(this.server)}`;
  }

  stop() {
    this.server?.closeAllConnections();
    this.server?.close();
  }
}

// As much of a browser as redirects, forms that send themselves, and cookies need.
let people = 0;
export class Browser {
  constructor(as) {
    this.as = as;
    this.jar = new Map(); // "127.0.0.1:8080" → Map
    people += 1;
    this.address = `198.51.${100 + (people >> 8)}.${people & 255}`; // each from an address of its own
    this.seen = [];
  }

  cookies(url) {
    const { host } = new URL(url);
    if (!this.jar.has(host)) this.jar.set(host, new Map());
    return this.jar.get(host);
  }

  // One request, as typed into the address bar or sent by a page of the site.
  async ask(url, { method = 'GET', body, headers = {}, page = true } = {}) {
    const cookies = this.cookies(url);
    const sent = { 'x-forwarded-for': this.address, ...headers };
    if (page) sent.accept = 'text/html';
    if (this.as) sent['x-sign-in-as'] = this.as;
    if (cookies.size > 0) sent.cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(url, { method, body, headers: sent, redirect: 'manual' });
    for (const line of answer.headers.getSetCookie()) {
      const [pair, ...attributes] = line.split('; ');
      const [name, ...value] = pair.split('=');
      if (value.join('=') === '' || attributes.includes('Max-Age=0')) cookies.delete(name);
      else cookies.set(name, value.join('='));
    }
    const text = await answer.text();
    return { status: answer.status, url, text, location: answer.headers.get('location'), cookies: answer.headers.getSetCookie() };
  }

  async post(url, body, headers = {}) {
    const sent = { 'content-type': 'application/json', ...headers };
    const answer = await this.ask(url, { method: 'POST', body: JSON.stringify(body), headers: sent, page: false });
    return { ...answer, body: answer.text ? JSON.parse(answer.text) : {} };
  }

  async get(url, headers = {}) {
    const answer = await this.ask(url, { headers, page: false });
    return { ...answer, body: answer.text ? JSON.parse(answer.text) : {} };
  }

  // Follows redirects, and forms that a provider's page sends by itself, while `goOn(address)`; gives the last answer,
  // whose `location` may be left.
  async go(url, goOn = isNear) {
    let answer = await this.ask(url);
    for (let hops = 0; hops < 20; hops++) {
      this.seen.push(answer.url);
      const form = /<form method="post" action="([^"]+)">([^]*?)<\/form>/.exec(answer.text);
      if (form && answer.status === 200) {
        const fields = new URLSearchParams();
        for (const [, name, value] of form[2].matchAll(/name="([^"]+)" value="([^"]*)"/g)) fields.append(name, decode(value));
        const action = decode(form[1]);
        if (!goOn(action)) return { ...answer, location: action, fields };
        answer = await this.ask(action, {
          method: 'POST', body: fields.toString(),
          headers: { 'content-type': 'application/x-www-form-urlencoded', origin: new URL(answer.url).origin },
        });
        continue;
      }
      if (!answer.location) return answer;
      const next = new URL(answer.location, answer.url).href;
      if (!goOn(next)) return { ...answer, location: next };
      answer = await this.ask(next);
    }
    throw new Error(`too many redirects from ${url}`);
  }
}

function decode(text) {
  return text.replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&#x2F;', '/').replaceAll('&#x3D;', '=').replaceAll('&#39;', '\'');
}

// Two providers, perhaps a liar, and Mettle.
export class Rig {
  constructor({ auth = '', tables = '{}', liar, more = [] } = {}) {
    Object.assign(this, { auth, tables, liar, more });
    this.good = new Issuer();
    // Under another name, so that a browser takes it for another site.
    this.other = new Issuer({ inToken: false, algorithm: 'ES256', host: 'localhost' });
    this.folder = mkdtempSync(path.join(tmpdir(), 'mettle-oidc-'));
  }

  async start() {
    for (const name of Object.keys(process.env)) if (name.startsWith('METTLE_')) delete process.env[name];
    Object.assign(process.env, ENVIRONMENT);
    await Promise.all([this.good.listen(), this.other.listen(), this.liar?.listen()]);
    const file = path.join(this.folder, 'mettle.yaml');
    const provider = (name, issuer, more = '') => `    ${name}: {issuer: "${issuer}", client_id: ${CLIENT}, client_secret: "\${OIDC_SECRET}"${more}}\n`;
    let providers = provider('good', this.good.url, ', label: Good') + provider('other', this.other.url, ', response_mode: form_post');
    for (const name of Object.keys(this.liar?.answers ?? {})) providers += provider(name, `${this.liar.url}/${name}`);
    writeFileSync(file, `mettle: 1\napp: club\nauth:\n  table: users\n  return_to: ["https://spa.example/in", "example.shop:/in"]\n${this.auth}  providers:\n${providers}tables: ${this.tables}\n`);
    this.server = new Server(BINARY, file, this.more);
    await this.server.start();
    this.url = this.server.url;
    for (const [name, issuer] of [['good', this.good], ['other', this.other]]) issuer.start([this.callback(name)]);
  }

  callback(name) { return `${this.url}/auth/oauth/${name}/callback`; }
  startOf(name, parameters = {}) {
    return `${this.url}/auth/oauth/${name}/start?${new URLSearchParams(parameters)}`;
  }

  // The whole way with a cookie; gives the last answer.
  signIn(browser, name, parameters = {}) {
    return browser.go(this.startOf(name, parameters), (address) => !address.startsWith(`${this.url}/auth/ui/`) && isNear(address));
  }

  // The whole way for tokens; gives the ticket and its verifier.
  async ticket(browser, name, more = {}) {
    const verifier = newVerifier();
    const end = await browser.go(this.startOf(name, { return_to: 'https://spa.example/in', code_challenge: challengeOf(verifier), ...more }));
    const url = new URL(end.location);
    return { token: url.searchParams.get('token'), error: url.searchParams.get('error'), code_verifier: verifier, url };
  }

  async mail(to, part) {
    for (let tries = 0; tries < 300; tries++) {
      const { items } = await (await fetch(`${this.url}/mettle/mail.json?to=${encodeURIComponent(to)}`)).json();
      const link = items.flatMap((item) => item.links).find((url) => url.includes(part));
      if (link) return link;
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
    throw new Error(`no mail to ${to} with ${part}`);
  }

  async stop() {
    const code = await this.server?.stop();
    for (const each of [this.good, this.other, this.liar]) each?.stop();
    this.server?.remove();
    rmSync(this.folder, { recursive: true, force: true });
    if (code) throw new Error(`the server ended with ${code}:\n${this.server.log.slice(-3000)}`);
  }
}

// Runs the cases one after another; `--only TEXT` those whose name has it. Prints a line a case, and exits.
export async function run(rigs, cases) {
  const only = option('--only', '');
  const begun = Date.now();
  let failed = 0, ran = 0;
  const log = [];
  try {
    for (const rig of rigs) await rig.start();
    for (const [name, test] of Object.entries(cases)) {
      if (!name.includes(only)) continue;
      ran += 1;
      try {
        await test();
        log.push(`  ok   ${name}`);
      } catch (error) {
        failed += 1;
        log.push(`  FAIL ${name}\n${error.stack}`);
      }
    }
  } catch (error) {
    failed += 1;
    log.push(error.stack);
  }
  if (failed > 0) for (const rig of rigs) log.push(rig.server?.log.slice(-6000) ?? '');
  for (const rig of rigs) await rig.stop().catch((error) => { failed += 1; log.push(error.message); });
  console.log(log.join('\n'));
  console.log(`oidc: ${ran - failed} of ${ran} held, ${((Date.now() - begun) / 1000).toFixed(1)} s`);
  if (failed > 0) console.log(`again: node ${path.relative(ROOT, process.argv[1])} --binary ${BINARY} --only TEXT`);
  process.exit(failed > 0 || ran === 0 ? 1 : 0);
}
