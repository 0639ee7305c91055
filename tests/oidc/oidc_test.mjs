// Signing in with identity providers, from outside: two real providers (npm's oidc-provider), one of which is made to lie in
// every way that has worked against somebody: tokens of another issuer, app, sign-in, key, algorithm or subject, answers of
// another provider, states and codes used twice or in another browser, documents and keys that are huge, slow or lead inside.
//
//   node tests/oidc/oidc_test.mjs --binary build/dev/mettle [--only TEXT]
//
// Exit code 77 (skipped) without tools/npm/node_modules/oidc-provider (`make setup`).
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { BINARY, Browser, Liar, Rig, base64url, challengeOf, jose, newVerifier, run } from './rig.mjs';
import { totp } from './totp.mjs';

const document = (base, more = {}) => ({
  issuer: base, authorization_endpoint: `${base}/auth`, token_endpoint: `${base}/token`, jwks_uri: `${base}/keys`,
  id_token_signing_alg_values_supported: ['RS256'], code_challenge_methods_supported: ['S256'], ...more,
});
const CONFIGURATION = '.well-known/openid-configuration';
const { privateKey: LIARS_KEY } = generateKeyPairSync('rsa', { modulusLength: 2048 });
// What it gives for a code: a token that is right in all but what the case is about.
const liarsNonces = new Map(); // by name
let slow; // a sign-in whose keys never come: it takes ten seconds, and the others do not wait
const liarsToken = (base) => new jose.SignJWT({ nonce: liarsNonces.get(base.split('/').at(-1)), email: 'victim@example.com', email_verified: true })
  .setProtectedHeader({ alg: 'RS256', kid: 'k' }).setIssuer(base).setSubject('mallory').setAudience('shop').setIssuedAt()
  .setExpirationTime('5m').sign(LIARS_KEY);
const giveToken = (base, response) => {
  liarsToken(base).then((token) => response.end(JSON.stringify({ access_token: 'x', id_token: token, token_type: 'Bearer' })));
};
const liar = new Liar({
  // Another issuer than the one that was asked.
  impostor: (path, base) => (path === CONFIGURATION ? document(base, { issuer: 'https://accounts.google.com' }) : '{}'),
  huge_document: (path, base) => (path === CONFIGURATION ? document(base, { filler: 'x'.repeat(300_000) }) : '{}'),
  huge_keys: (path, base, response) => {
    if (path === CONFIGURATION) return document(base);
    if (path === 'keys') return JSON.stringify({ keys: [{ kid: 'k', ...LIARS_KEY.export({ format: 'jwk' }), filler: 'x'.repeat(300_000) }] });
    return giveToken(base, response);
  },
  // A key that everybody can sign with.
  symmetric_keys: (path, base, response) => {
    if (path === CONFIGURATION) return document(base);
    if (path === 'keys') return { keys: [{ kid: 'k', kty: 'oct', k: base64url('secret') }] };
    return giveToken(base, response);
  },
  slow_keys: (path, base, response) => {
    if (path === CONFIGURATION) return document(base);
    if (path === 'keys') { response.writeHead(200); response.write('{"keys":['); return undefined; } // and never more
    return giveToken(base, response);
  },
  // Into the network behind the server: a cloud's metadata service.
  inward: (path, base) => (path === CONFIGURATION ? document(base, { token_endpoint: 'http://169.254.169.254/latest/meta-data' }) : '{}'),
  redirecting: (path, base, response) => {
    if (path === CONFIGURATION) return document(base);
    response.statusCode = 302;
    response.setHeader('location', 'http://169.254.169.254/latest/meta-data');
    return '';
  },
});

const rig = new Rig({ liar, auth: '  new_roles: [member]\n  roles: [member]\n', tables: '\n  users: {columns: {name: {type: text, optional: true}}}' });
const strict = new Rig({ auth: '  verify: required\n' });
const closed = new Rig({ auth: '  registration: closed\n' });
const guests = new Rig({ auth: '  registration: invite\n  roles: [host]\n' });
const needy = new Rig({ tables: '\n  users: {columns: {name: {type: text}, badge: {type: int, optional: true}}}' });

const JSON_TYPE = { 'content-type': 'application/json' };
let count = 0;
// Somebody new at a provider, in a browser of their own.
function person(issuer, claims = {}) {
  count += 1;
  const id = `person-${count}`;
  issuer.people.set(id, { email: `${id}@example.com`, email_verified: true, name: `Person ${count}`, ...claims });
  return { id, browser: new Browser(id), email: issuer.people.get(id).email };
}
const me = async (browser, headers) => (await browser.get(`${rig.url}/auth/me`, headers)).status;
const exchange = (browser, ticket, more = {}) => browser.post(`${rig.url}/auth/oauth/token`, { token: ticket.token, code_verifier: ticket.code_verifier, ...more });
const bearer = (answer) => ({ authorization: `Bearer ${answer.body.access_token}` });
const audit = () => spawnSync(BINARY, ['audit', '--data', rig.server.data, '--json', '--limit', '1000'], { encoding: 'utf8' }).stdout;

async function register(browser, email, password = 'correct horse battery') {
  const answer = await browser.post(`${rig.url}/auth/register`, { email, password });
  assert.equal(answer.status, 201, answer.text);
  return answer;
}

// Up to the provider's answer, which is not brought yet: the callback's address.
async function comeBack(browser, name, parameters = {}, on = rig) {
  const end = await browser.go(on.startOf(name, parameters), (address) => !address.includes('/callback'));
  assert.ok(end.location?.includes('/callback'), `${name} did not send the browser back: ${end.status} ${end.location} ${end.text}`);
  return end.location;
}

// The sign-in fails: with that reason for a browser, and nobody is signed in.
async function refused(browser, end, reason) {
  const url = new URL(end.location, rig.url);
  assert.equal(url.pathname, '/auth/ui/sign-in', `${end.status} ${end.location}`);
  assert.equal(url.searchParams.get('error'), reason);
  assert.equal(await me(browser), 401);
  for (const line of end.cookies) assert.ok(!/^mettle-session=./.test(line), line);
}

// What the other provider says instead of the truth, and whether it is believed.
async function lie(twist, reason = 'invalid_credentials') {
  const somebody = person(rig.other);
  rig.other.twist = twist;
  try {
    await refused(somebody.browser, await rig.signIn(somebody.browser, 'other'), reason);
    assert.equal((await somebody.browser.get(`${rig.url}/auth/oauth`)).status, 200);
  } finally {
    rig.other.twist = undefined;
  }
}

async function bring(name, reason) {
  const browser = new Browser();
  const begun = new URL((await browser.ask(rig.startOf(name))).location);
  liarsNonces.set(name, begun.searchParams.get('nonce'));
  const end = await browser.ask(`${rig.callback(name)}?code=c&state=${begun.searchParams.get('state')}`);
  await refused(browser, end, reason);
}

const cases = {
  'keys that never come (begun)': async () => {
    slow = bring('slow_keys', 'unavailable');
    slow.catch(() => {}); // it is awaited at the end
  },

  'a browser signs in and has a cookie': async () => {
    const { browser, email } = person(rig.good, { email: 'Ada@Example.com' });
    const end = await rig.signIn(browser, 'good', { return_to: '/auth/ui/account?x=1#top' });
    assert.equal(end.location, `${rig.url}/auth/ui/account?x=1#top`);
    const own = await browser.get(`${rig.url}/auth/me`);
    assert.deepEqual([own.body.email, own.body.email_verified, own.body.name, own.body.roles], [email.toLowerCase(), true, 'Person 1', ['member']]);
    const session = end.cookies.find((line) => line.startsWith('mettle-session='));
    assert.match(session, /; HttpOnly; SameSite=Lax$/);
    // What bound the way to the browser is gone.
    assert.deepEqual([...browser.cookies(rig.url).keys()], ['mettle-session']);
    // And again: the same account.
    const again = new Browser(browser.as);
    await rig.signIn(again, 'good');
    assert.equal((await again.get(`${rig.url}/auth/me`)).body.id, own.body.id);
  },

  'by form_post, and with the address in UserInfo': async () => {
    const { browser, email } = person(rig.other);
    const end = await rig.signIn(browser, 'other', { return_to: '/docs' });
    assert.equal(end.url, `${rig.url}/docs`);
    assert.equal((await browser.get(`${rig.url}/auth/me`)).body.email, email);
    assert.ok(browser.seen.some((url) => url === rig.callback('other')), 'no POST to the callback');
  },

  'a cookie that works no more is in nobody\'s way': async () => {
    const { browser } = person(rig.good);
    browser.cookies(rig.url).set('mettle-session', `mts_aaaaaaaaaaaaaaaa_${'A'.repeat(43)}`);
    await rig.signIn(browser, 'good');
    assert.equal(await me(browser), 200);
  },

  'a program gets tokens for the ticket and its verifier, once': async () => {
    const { browser } = person(rig.good);
    const ticket = await rig.ticket(browser, 'good', { code_challenge_method: 'S256' });
    assert.equal(ticket.url.origin + ticket.url.pathname, 'https://spa.example/in');
    const program = new Browser();
    const without = await exchange(program, { token: ticket.token });
    assert.deepEqual([without.status, without.body.code], [401, 'invalid_credentials']);
    assert.equal((await exchange(program, { ...ticket, code_verifier: newVerifier() })).status, 401);
    const right = await exchange(program, ticket);
    assert.equal(right.status, 200, right.text);
    assert.ok(right.body.refresh_token);
    assert.equal(await me(program, bearer(right)), 200);
    assert.equal((await exchange(program, ticket)).status, 401);
    const native = await rig.ticket(person(rig.good).browser, 'good', { return_to: 'example.shop:/in' });
    assert.equal(native.url.protocol, 'example.shop:');
    assert.equal((await exchange(program, native, { session: 'cookie' })).status, 200);
  },

  'of fifty that bring one ticket, one is let in': async () => {
    const { browser } = person(rig.good);
    const ticket = await rig.ticket(browser, 'good');
    const answers = await Promise.all(Array.from({ length: 50 }, () => exchange(new Browser(), ticket)));
    assert.deepEqual(answers.map((answer) => answer.status).sort(), [200, ...Array(49).fill(401)]);
  },

  'of fifty that bring one state and code, one is let in': async () => {
    const { browser } = person(rig.good);
    const callback = await comeBack(browser, 'good');
    const cookies = new Map(browser.cookies(rig.url));
    const codes = rig.good.forms.length;
    const answers = await Promise.all(Array.from({ length: 50 }, () => {
      const copy = new Browser();
      for (const [name, value] of cookies) copy.cookies(rig.url).set(name, value);
      return copy.ask(callback);
    }));
    const let_in = answers.filter((answer) => answer.cookies.some((line) => /^mettle-session=./.test(line)));
    assert.equal(let_in.length, 1);
    assert.equal(rig.good.forms.length, codes + 1); // nor is the code brought to the provider twice
  },

  'a state works in its own browser alone, and uses nothing up elsewhere': async () => {
    const { browser } = person(rig.good);
    const callback = await comeBack(browser, 'good');
    const victim = new Browser();
    await refused(victim, await victim.ask(callback), 'invalid_credentials');
    const other = new URL(callback);
    for (const state of ['', 'x', `mtf_aaaaaaaaaaaaaaaa_${'A'.repeat(43)}`, other.searchParams.get('state').slice(0, -1) + 'A']) {
      other.searchParams.set('state', state);
      await refused(browser, await browser.ask(other.href), 'invalid_credentials');
    }
    const end = await browser.ask(callback);
    assert.equal(end.location, '/auth/ui/account');
    assert.equal(await me(browser), 200);
    // Used: once more is once too often.
    const again = new Browser();
    await refused(again, await again.ask(callback), 'invalid_credentials');
  },

  'an answer that another provider\'s way began is refused (mix-up)': async () => {
    const { browser } = person(rig.good);
    const callback = await comeBack(browser, 'good');
    const mixed = callback.replace('/good/', '/other/');
    await refused(browser, await browser.ask(mixed), 'invalid_credentials');
    // RFC 9207: the issuer is another, or is not told by one that tells it.
    for (const change of [(url) => url.searchParams.set('iss', rig.other.url), (url) => url.searchParams.delete('iss')]) {
      const somebody = person(rig.good);
      const wrong = new URL(await comeBack(somebody.browser, 'good'));
      change(wrong);
      await refused(somebody.browser, await somebody.browser.ask(wrong.href), 'invalid_credentials');
    }
    // What comes twice has two meanings.
    const twice = await browser.ask(`${callback}&state=x`);
    await refused(browser, twice, 'invalid_parameter');
  },

  'a code of somebody else\'s way is none (code injection)': async () => {
    const attacker = person(rig.good), victim = person(rig.good);
    const stolen = new URL(await comeBack(attacker.browser, 'good'));
    const own = new URL(await comeBack(victim.browser, 'good'));
    own.searchParams.set('code', stolen.searchParams.get('code'));
    await refused(victim.browser, await victim.browser.ask(own.href), 'invalid_credentials'); // PKCE
  },

  'a token of another issuer is refused (A3)': () => lie(async (body, idp) => ({ ...body, id_token: await idp.forge(body.id_token, { iss: 'https://accounts.google.com' }) })),
  'a token of another provider that we know is refused': async () => {
    let theirs;
    rig.good.twist = (body) => { theirs = body.id_token; return body; };
    await rig.signIn(person(rig.good).browser, 'good');
    rig.good.twist = undefined;
    await lie((body) => ({ ...body, id_token: theirs }));
  },
  'a token for another app is refused (A4)': async () => {
    for (const claims of [{ aud: 'other' }, { aud: ['shop', 'other'] }, { aud: [] }, { aud: undefined }, { azp: 'other' }]) {
      await lie(async (body, idp) => ({ ...body, id_token: await idp.forge(body.id_token, claims) }));
    }
  },
  'a token of another sign-in is refused': async () => {
    for (const nonce of ['another', undefined, '']) {
      await lie(async (body, idp) => ({ ...body, id_token: await idp.forge(body.id_token, { nonce }) }));
    }
  },
  'a token that is not of now is refused': async () => {
    const now = Math.floor(Date.now() / 1000);
    for (const claims of [{ exp: now - 3600 }, { exp: undefined }, { iat: now + 3600 }, { iat: undefined }, { nbf: now + 3600 }]) {
      await lie(async (body, idp) => ({ ...body, id_token: await idp.forge(body.id_token, claims) }));
    }
  },
  'a token without a signature is refused': () => lie((body) => {
    const [, payload, signature] = body.id_token.split('.');
    return { ...body, id_token: `${base64url('{"alg":"none","kid":"k1"}')}.${payload}.${signature && ''}` };
  }),
  'a token that the public key was the secret of is refused (alg confusion)': async () => {
    for (const secret of [() => rig.other.publicPem, () => JSON.stringify(rig.other.jwk.x), () => '']) {
      await lie((body) => {
        const text = `${base64url('{"alg":"HS256","kid":"k1"}')}.${body.id_token.split('.')[1]}`;
        return { ...body, id_token: `${text}.${createHmac('sha256', secret()).update(text).digest('base64url')}` };
      });
    }
  },
  'a token under another key is refused': async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const headers = [{}, { kid: 'k2' }, { kid: undefined }, { jwk: publicKey.export({ format: 'jwk' }) }, { jku: `${rig.other.url}/jwks` }];
    for (const header of headers) {
      await lie(async (body, idp) => ({ ...body, id_token: await idp.forge(body.id_token, {}, header, privateKey) }));
    }
    await lie(async (body, idp) => ({ ...body, id_token: await idp.forge(body.id_token, {}, { alg: 'RS256' }, LIARS_KEY) }));
  },
  'a token of another kind is refused': () => lie(async (body, idp) => ({ ...body, id_token: await idp.forge(body.id_token, {}, { typ: 'at+jwt' }) })),
  'an access token that is not the ID token\'s is refused': () => lie(async (body, idp) => ({ ...body, id_token: await idp.forge(body.id_token, { at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }) })),
  'a token of another subject than UserInfo\'s is refused': () => lie(async (body, idp) => ({ ...body, id_token: await idp.forge(body.id_token, { sub: 'person-1' }) })),
  'an answer without a token is refused': async () => {
    await lie(({ access_token }) => ({ access_token, token_type: 'Bearer' }));
    await lie(() => 'no JSON', 'unavailable');
  },

  'one who breaks off is told so; nothing of the provider\'s words comes through': async () => {
    const nobody = new Browser('nobody');
    await refused(nobody, await rig.signIn(nobody, 'good'), 'cancelled');
    const { browser } = person(rig.good);
    const callback = new URL(await comeBack(browser, 'good'));
    callback.searchParams.delete('code');
    callback.searchParams.set('error', 'server_error');
    callback.searchParams.set('error_description', '<script>secret inside</script>');
    const end = await browser.ask(callback.href);
    await refused(browser, end, 'unavailable');
    assert.ok(!end.location.includes('inside'));
    // A program reads a problem.
    const program = new Browser();
    const problem = await program.get(`${rig.callback('good')}?state=x&code=y`);
    assert.deepEqual([problem.status, problem.body.code], [401, 'invalid_credentials']);
    // One that wants tokens is told where it waits.
    const refusal = await rig.ticket(new Browser('nobody'), 'good');
    assert.deepEqual([refusal.token, refusal.error, refusal.url.origin], [null, 'cancelled', 'https://spa.example']);
  },

  'documents and keys that lie, are endless or lead inside': async () => {
    for (const name of ['impostor', 'huge_document']) {
      const browser = new Browser();
      await refused(browser, await rig.signIn(browser, name), 'unavailable');
      const problem = await browser.get(rig.startOf(name));
      assert.deepEqual([problem.status, problem.body.code], [503, 'unavailable']);
      assert.ok(!/google|issuer|127\.0\.0/.test(problem.text), problem.text);
    }
    await bring('huge_keys', 'unavailable');
    await bring('symmetric_keys', 'invalid_credentials');
    await bring('inward', 'unavailable');
    await bring('redirecting', 'unavailable');
  },

  'the way back is where the server is, whatever a request says (A6)': async () => {
    for (const headers of [{ 'x-forwarded-host': 'evil.example' }, { forwarded: 'host=evil.example;proto=https' }, { 'x-forwarded-proto': 'https' }, { 'x-original-host': 'evil.example' }]) {
      const begun = new URL((await new Browser().ask(rig.startOf('good'), { headers })).location);
      assert.equal(begun.searchParams.get('redirect_uri'), rig.callback('good'));
    }
  },

  'what proves the way is kept here': async () => {
    const { browser } = person(rig.good);
    await rig.signIn(browser, 'good');
    const { code_verifier: verifier } = rig.good.forms.at(-1);
    assert.match(verifier, /^[A-Za-z0-9_-]{43,128}$/);
    for (const url of browser.seen) assert.ok(!url.includes(verifier), url);
    const begun = new URL(browser.seen.find((url) => url.includes('code_challenge')));
    assert.equal(begun.searchParams.get('code_challenge'), challengeOf(verifier));
    for (const secret of [verifier, 'mtf_', rig.good.forms.at(-1).code]) assert.ok(!rig.server.log.includes(secret), `the log has ${secret}`);
  },

  'it ends on this site or where the file says, and nowhere else (A12)': async () => {
    const elsewhere = ['https://evil.example/', '//evil.example', '/\\evil.example', '/\t/evil.example', 'https:evil.example',
      'javascript:alert(1)', 'https://spa.example/in/../x', 'https://spa.example/in?x=1', 'https://spa.example@evil.example/in',
      `${rig.url}@evil.example/`, `${rig.url}.evil.example/`, 'example.shop:/other', 'https://spa.example/'];
    for (const return_to of elsewhere) {
      const answer = await new Browser().get(rig.startOf('good', { return_to, code_challenge: challengeOf('x') }));
      assert.deepEqual([answer.status, answer.body.code], [400, 'invalid_parameter'], return_to);
    }
    // Elsewhere only for who can prove that he began it.
    const bare = await new Browser().get(rig.startOf('good', { return_to: 'https://spa.example/in' }));
    assert.deepEqual([bare.status, bare.body.code], [400, 'invalid_parameter']);
    for (const wrong of [{ code_challenge: 'short' }, { code_challenge: '' }, { code_challenge: challengeOf('x'), code_challenge_method: 'plain' }]) {
      assert.equal((await new Browser().get(rig.startOf('good', wrong))).status, 400);
    }
    assert.equal((await new Browser().get(rig.startOf('good', { next: '/' }))).body.code, 'unknown_parameter');
    assert.equal((await new Browser().get(rig.startOf('nobody'))).status, 404);
    assert.equal((await new Browser().get(`${rig.callback('nobody')}?state=x`)).status, 404);
  },

  'an identity is added by who is signed in, and removed but for the last way in': async () => {
    const { browser, email } = person(rig.good);
    await rig.signIn(browser, 'good');
    const identities = async () => (await browser.get(`${rig.url}/auth/me/identities`)).body.items;
    const [first] = await identities();
    const only = await browser.ask(`${rig.url}/auth/me/identities/${first.id}`, { method: 'DELETE', page: false });
    assert.deepEqual([only.status, JSON.parse(only.text).code], [409, 'conflict']);
    // Another address at the other provider, not even proven there: it is its bearer who adds it.
    const second = person(rig.other, { email_verified: false });
    browser.as = second.id;
    const begun = await browser.post(`${rig.url}/auth/oauth/other/link`, { return_to: '/auth/ui/account' });
    assert.equal(begun.status, 200, begun.text);
    const end = await browser.go(begun.body.url, (address) => !address.includes('/auth/ui/'));
    assert.equal(end.location, `${rig.url}/auth/ui/account`, end.text);
    assert.deepEqual((await identities()).map((identity) => identity.provider), ['good', 'other']);
    await rig.signIn(second.browser, 'other');
    assert.equal((await second.browser.get(`${rig.url}/auth/me`)).body.email, email);
    assert.equal((await browser.ask(`${rig.url}/auth/me/identities/${first.id}`, { method: 'DELETE' })).status, 204);
    assert.deepEqual((await identities()).map((identity) => identity.provider), ['other']);
    const stranger = person(rig.good);
    await rig.signIn(stranger.browser, 'good');
    const [left] = await identities();
    assert.equal((await stranger.browser.ask(`${rig.url}/auth/me/identities/${left.id}`, { method: 'DELETE' })).status, 404);
    // Another's identity is not to be had.
    stranger.browser.as = second.id;
    stranger.browser.jar.delete(new URL(rig.other.url).host);
    const taken = await stranger.browser.post(`${rig.url}/auth/oauth/other/link`, {});
    const refusal = await stranger.browser.go(taken.body.url, (address) => !address.includes('/auth/ui/'));
    assert.equal(refusal.location, `${rig.url}/auth/ui/account?error=conflict`);
    assert.match(audit(), /identity_linked[^]*identity_unlinked|identity_unlinked[^]*identity_linked/);
  },

  'a program adds an identity with its session alone': async () => {
    const first = person(rig.good), second = person(rig.other);
    const program = new Browser();
    const tokens = await exchange(program, await rig.ticket(first.browser, 'good'));
    const link = async (headers) => {
      const verifier = newVerifier();
      const begun = await program.post(`${rig.url}/auth/oauth/other/link`, { return_to: 'example.shop:/in', code_challenge: challengeOf(verifier) }, headers);
      assert.equal(begun.status, 200, begun.text);
      assert.deepEqual(begun.cookies, []);
      const end = await second.browser.go(begun.body.url); // the system's browser, where nobody is signed in
      return { token: new URL(end.location).searchParams.get('token'), code_verifier: verifier };
    };
    const ticket = await link(bearer(tokens));
    // It signs nobody in, and is no use to another session.
    assert.equal((await exchange(program, ticket)).status, 401);
    const other = await exchange(program, await rig.ticket(person(rig.good).browser, 'good'));
    assert.equal((await program.post(`${rig.url}/auth/me/identities`, ticket, bearer(other))).status, 401);
    assert.equal((await program.post(`${rig.url}/auth/me/identities`, { token: ticket.token }, bearer(tokens))).status, 401);
    assert.equal((await program.post(`${rig.url}/auth/me/identities`, ticket, bearer(tokens))).status, 204);
    assert.equal((await program.post(`${rig.url}/auth/me/identities`, ticket, bearer(tokens))).status, 401);
    assert.equal((await program.get(`${rig.url}/auth/me/identities`, bearer(tokens))).body.items.length, 2);
    // A session that ended adds nothing.
    const late = await link(bearer(tokens));
    await program.post(`${rig.url}/auth/logout`, {}, bearer(tokens));
    assert.equal((await program.post(`${rig.url}/auth/me/identities`, late, bearer(tokens))).status, 401);
  },

  'another site\'s page adds nothing and signs nobody in (CSRF)': async () => {
    const { browser } = person(rig.good);
    await rig.signIn(browser, 'good');
    for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }]) {
      const link = await browser.post(`${rig.url}/auth/oauth/other/link`, {}, headers);
      assert.deepEqual([link.status, link.body.code], [403, 'forbidden']);
      const ticket = await rig.ticket(new Browser(browser.as), 'good');
      const cookie = await browser.post(`${rig.url}/auth/oauth/token`, { ...JSON.parse(JSON.stringify({ token: ticket.token, code_verifier: ticket.code_verifier })), session: 'cookie' }, headers);
      assert.deepEqual([cookie.status, cookie.body.code], [403, 'forbidden']);
    }
    assert.equal((await new Browser().post(`${rig.url}/auth/oauth/other/link`, {})).status, 401);
  },

  'a second factor is asked for here, too': async () => {
    const owner = person(rig.good);
    const password = 'correct horse battery';
    await register(owner.browser, owner.email, password);
    const login = await owner.browser.post(`${rig.url}/auth/login`, { email: owner.email, password });
    const verify = new URL(await rig.mail(owner.email, '/auth/ui/verify')).searchParams.get('token');
    assert.equal((await owner.browser.post(`${rig.url}/auth/verify`, { token: verify })).status, 204);
    const set = await owner.browser.post(`${rig.url}/auth/mfa/totp`, { password }, bearer(login));
    const confirmed = await owner.browser.post(`${rig.url}/auth/mfa/totp/confirm`, { code: totp(set.body.secret, -1) }, bearer(login));
    assert.equal(confirmed.status, 200, confirmed.text);
    // Tokens: no code, a wrong one (which adds no identity), a right one.
    const ticket = await rig.ticket(owner.browser, 'good');
    const program = new Browser();
    const missing = await exchange(program, ticket);
    assert.deepEqual([missing.status, missing.body.code], [401, 'mfa_required']);
    assert.equal((await exchange(program, ticket, { code: '000000' })).status, 422);
    assert.deepEqual((await owner.browser.get(`${rig.url}/auth/me/identities`, bearer(login))).body.items, []);
    const right = await exchange(program, ticket, { code: confirmed.body.recovery_codes[0] });
    assert.equal(right.status, 200, right.text);
    assert.equal(JSON.parse(Buffer.from(right.body.access_token.split('.')[1], 'base64url')).aal, 2);
    // A browser is led to the page that asks; its cookie goes with the ticket, and no other's does.
    const end = await rig.signIn(owner.browser, 'good', { return_to: '/docs' });
    const page = new URL(end.location);
    assert.deepEqual([page.pathname, page.searchParams.get('next')], ['/auth/ui/provider', '/docs']);
    const token = new URLSearchParams(page.hash.slice(1)).get('token');
    assert.equal(await me(owner.browser), 401);
    const recovery = confirmed.body.recovery_codes[1];
    assert.equal((await new Browser().post(`${rig.url}/auth/oauth/token`, { token, code: recovery, session: 'cookie' })).status, 401);
    const done = await owner.browser.post(`${rig.url}/auth/oauth/token`, { token, code: recovery, session: 'cookie' });
    assert.equal(done.status, 200, done.text);
    assert.equal(await me(owner.browser), 200);
    assert.deepEqual([...owner.browser.cookies(rig.url).keys()], ['mettle-session']);
  },

  'a disabled account stays so': async () => {
    const { browser, email } = person(rig.good);
    await rig.signIn(browser, 'good');
    const done = spawnSync(BINARY, ['user', 'disable', rig.server.file, email, '--data', rig.server.data], { encoding: 'utf8' });
    assert.equal(done.status, 0, done.stderr);
    const again = new Browser(browser.as);
    await refused(again, await rig.signIn(again, 'good'), 'forbidden');
  },

  'who begins and never ends is held up': async () => {
    const browser = new Browser();
    let begun = 0;
    for (; begun < 60; begun++) {
      const { status } = await browser.ask(rig.startOf('good'), { page: false });
      if (status === 429) break;
      assert.equal(status, 303);
      browser.jar.clear();
    }
    assert.equal(begun, 51);
    // Others are not.
    assert.equal((await new Browser().ask(rig.startOf('good'))).status, 303);
  },

  'the contract names the addresses': async () => {
    const { body } = await new Browser().get(`${rig.url}/openapi.json`);
    for (const path of ['/auth/oauth', '/auth/oauth/{provider}/start', '/auth/oauth/{provider}/callback', '/auth/oauth/{provider}/link',
      '/auth/oauth/token', '/auth/me/identities', '/auth/me/identities/{id}']) assert.ok(body.paths[path], path);
    const list = await new Browser().get(`${rig.url}/auth/oauth`);
    assert.deepEqual(list.body.items[0], { name: 'good', label: 'Good', start: '/auth/oauth/good/start' });
  },

  'the audit log tells of it, and holds no secret': async () => {
    const log = audit();
    for (const words of ['"sign_in"', 'provider good', 'invalid_credentials', '"register"']) assert.ok(log.includes(words), words);
    for (const secret of ['mtf_', 'mtp_', rig.good.forms.at(-1).code_verifier]) assert.ok(!log.includes(secret), secret);
  },

  'where addresses must be proven, an unproven one makes and tells nothing': async () => {
    const taken = person(strict.good);
    await strict.signIn(taken.browser, 'good');
    assert.equal((await taken.browser.get(`${strict.url}/auth/me`)).status, 200);
    for (const email of [taken.email, 'free@example.com']) {
      const { browser } = person(strict.other, { email, email_verified: false });
      const end = await strict.signIn(browser, 'other');
      assert.equal(new URL(end.location).searchParams.get('error'), 'forbidden');
    }
  },

  'where registration is closed, a provider opens it no more': async () => {
    const { browser, email } = person(closed.good);
    assert.equal(new URL((await closed.signIn(browser, 'good')).location).searchParams.get('error'), 'forbidden');
    const made = spawnSync(BINARY, ['user', 'create', closed.server.file, '--data', closed.server.data, '--email', email, '--verified'], { encoding: 'utf8' });
    assert.equal(made.status, 0, made.stderr);
    await closed.signIn(browser, 'good');
    assert.equal((await browser.get(`${closed.url}/auth/me`)).body.email, email);
  },

  'where registration is by invitation, a provider lets in who is invited, if it has verified the address': async () => {
    const invite = (email) => spawnSync(BINARY, ['user', 'invite', guests.server.file, email, '--role', 'host', '--link', '--data', guests.server.data],
      { encoding: 'utf8' });
    const refusal = async (browser) => new URL((await guests.signIn(browser, 'good')).location).searchParams.get('error');
    const guest = person(guests.good);
    assert.equal(await refusal(guest.browser), 'forbidden');
    assert.equal(invite(guest.email).status, 0);
    assert.equal(await refusal(person(guests.good).browser), 'forbidden', 'the invitation is for one address');
    await guests.signIn(guest.browser, 'good');
    const { body } = await guest.browser.get(`${guests.url}/auth/me`);
    assert.deepEqual([body.email, body.roles, body.email_verified], [guest.email, ['host'], true]);
    const claimed = person(guests.good, { email: 'claimed@example.com', email_verified: false });
    assert.equal(invite(claimed.email).status, 0);
    assert.equal(await refusal(claimed.browser), 'forbidden', 'whoever says that an address is his');
  },

  'what an account needs and the provider does not tell is said': async () => {
    const lacking = person(needy.good, { name: undefined });
    assert.equal(new URL((await needy.signIn(lacking.browser, 'good')).location).searchParams.get('error'), 'invalid');
    // What is told and does not fit is left out where it may be.
    const { browser } = person(needy.good, { badge: 'seven' });
    await needy.signIn(browser, 'good');
    assert.equal((await browser.get(`${needy.url}/auth/me`)).body.badge, null);
    const silent = person(needy.good, { email: undefined });
    assert.equal(new URL((await needy.signIn(silent.browser, 'good')).location).searchParams.get('error'), 'invalid');
  },

  'a provider that cannot be used is said when the server starts, and no secret with it': async () => {
    const file = path.join(rig.folder, 'unusable.yaml');
    const serve = (provider, environment) => {
      writeFileSync(file, `mettle: 1\napp: club\nauth:\n  table: users\n  providers:\n    ${provider}\ntables: {}\n`);
      const args = ['serve', file, '--listen', '127.0.0.1:0', '--data', path.join(rig.folder, 'unusable')];
      const done = spawnSync(BINARY, args, { encoding: 'utf8', timeout: 60_000, env: { ...process.env, ...environment } });
      assert.equal(done.status, 2, done.stderr);
      assert.ok(!done.stderr.includes('-secret-'), done.stderr);
      return done.stderr;
    };
    assert.match(serve('acme: {issuer: "http://127.0.0.1:1", client_id: a}', { METTLE_PROVIDERS_REACH: 'private' }), /acme: a provider over plain HTTP/);
    const apple = 'apple: {client_id: a, team_id: T, key_id: K, private_key: "${APPLE_KEY}"}';
    assert.match(serve(apple, { APPLE_KEY: 'a-secret-that-is-no-key' }), /apple: private_key is no PEM/);
  },

  'keys that never come (ended)': async () => {
    assert.ok(slow, 'run it with its beginning: --only "never come"');
    await slow;
  },
};

await run([rig, strict, closed, guests, needy], cases);
