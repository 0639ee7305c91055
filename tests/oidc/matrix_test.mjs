// A1, A2: whoever made an account with somebody's address before its owner came is out once the owner has signed in with a
// provider, and a provider that has not proven the address leads to nobody's account. Sixteen ways: the account was made with a
// password or by a provider, its address was proven here or not, the owner comes by the one provider or the other, which has
// proven the address or not.
//
//   node tests/oidc/matrix_test.mjs --binary build/dev/mettle [--only TEXT] [--mutant ID]
//
// Exit code 77 (skipped) without tools/npm/node_modules/oidc-provider (`make setup`).
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';

import { BINARY, Browser, Rig, option, run } from './rig.mjs';
import { totp } from './totp.mjs';

const mutant = option('--mutant', '');
const rig = new Rig({ more: mutant ? ['--mutant', mutant] : [] });
const PASSWORD = 'correct horse battery';
const bearer = (answer) => ({ authorization: `Bearer ${answer.body.access_token}` });

async function tokens(browser, name) {
  const ticket = await rig.ticket(browser, name);
  return browser.post(`${rig.url}/auth/oauth/token`, { token: ticket.token, code_verifier: ticket.code_verifier });
}

// Everything by which the first one can come in, and whether it still leads to the account.
class First {
  constructor(name, email) { Object.assign(this, { name, email, browser: new Browser(`${name}-first`) }); }

  async come(way, proven) {
    const { browser, email } = this;
    if (way === 'password') this.session = await browser.post(`${rig.url}/auth/register`, { email, password: PASSWORD });
    else {
      this.provider = 'other';
      rig.other.people.set(browser.as, { email, email_verified: false, name: 'First' });
      this.session = await tokens(browser, 'other');
    }
    assert.ok([200, 201].includes(this.session.status), this.session.text);
    this.id = this.session.body.user.id;
    const mail = new URL(await rig.mail(email, '/auth/ui/verify')).searchParams.get('token');
    if (proven) assert.equal((await browser.post(`${rig.url}/auth/verify`, { token: mail })).status, 204);
    else this.verification = mail; // which only the owner can read
    await this.dig(way);
  }

  // Whatever an account lets one add.
  async dig(way) {
    const key = spawnSync(BINARY, ['key', 'create', rig.server.file, '--data', rig.server.data, '--user', this.id], { encoding: 'utf8' });
    assert.equal(key.status, 0, key.stderr);
    this.key = key.stdout.trim();
    const identity = `${this.name}-own`;
    rig.good.people.set(identity, { email: `${identity}@example.com`, email_verified: true, name: 'Own' });
    this.own = new Browser(identity);
    const begun = await this.own.post(`${rig.url}/auth/oauth/good/link`, {}, bearer(this.session));
    const end = await this.own.go(begun.body.url, (address) => !address.includes('/auth/ui/'));
    assert.equal(end.location, `${rig.url}/auth/ui/account`);
    if (way === 'password') {
      const cookie = await this.browser.post(`${rig.url}/auth/login`, { email: this.email, password: PASSWORD, session: 'cookie' });
      assert.equal(cookie.status, 200, cookie.text);
    } else await rig.signIn(this.browser, this.provider);
  }

  // A second factor of the first one's own must not keep the owner out.
  async addFactor() {
    const begun = await this.browser.post(`${rig.url}/auth/mfa/totp`, { password: PASSWORD }, bearer(this.session));
    const code = totp(begun.body.secret);
    assert.equal((await this.browser.post(`${rig.url}/auth/mfa/totp/confirm`, { code }, bearer(this.session))).status, 200);
  }

  async ways() {
    const me = async (browser, headers) => {
      const answer = await browser.get(`${rig.url}/auth/me`, headers);
      return answer.status === 200 && answer.body.id === this.id;
    };
    const fresh = (browser) => new Browser(browser.as);
    const found = [];
    const note = (name, led) => { if (led) found.push(name); };
    note('access token', await me(new Browser(), bearer(this.session)));
    const refreshed = await new Browser().post(`${rig.url}/auth/refresh`, { refresh_token: this.session.body.refresh_token });
    if (refreshed.status === 200) this.session = refreshed;
    note('refresh token', refreshed.status === 200);
    note('cookie', await me(this.browser));
    note('password', (await new Browser().post(`${rig.url}/auth/login`, { email: this.email, password: PASSWORD })).status === 200);
    const listed = await new Browser().get(`${rig.url}/api/v1/users?limit=1`, { authorization: `Bearer ${this.key}` });
    note('key', listed.status !== 401);
    for (const [name, browser, at] of [['own identity', this.own, 'good'], ['first identity', this.browser, this.provider]]) {
      if (!at) continue;
      const again = fresh(browser);
      await rig.signIn(again, at);
      note(name, await me(again));
    }
    return found.sort();
  }
}

let count = 0;
async function cell(way, here, name, there) {
  count += 1;
  const email = `owner-${count}@example.com`;
  const first = new First(`cell-${count}`, email);
  await first.come(way, here === 'proven');
  const before = await first.ways();
  assert.deepEqual(before, ['access token', 'cookie', 'key', 'own identity', 'refresh token', way === 'password' ? 'password' : 'first identity'].sort());
  if (way === 'password' && here !== 'proven') await first.addFactor();

  const owner = new Browser(`owner-${count}`);
  rig[name].people.set(owner.as, { email, email_verified: there === 'proven', name: 'Owner' });
  const end = await rig.signIn(owner, name);
  const own = await owner.get(`${rig.url}/auth/me`);
  if (there !== 'proven') {
    // The provider's word is nothing: nobody is signed in, and nothing has changed.
    assert.equal(new URL(end.location).searchParams.get('error'), 'conflict');
    assert.equal(own.status, 401);
    if (way !== 'password' || here === 'proven') assert.deepEqual(await first.ways(), before);
    return;
  }
  assert.deepEqual([own.status, own.body.id, own.body.email_verified], [200, first.id, true], `${end.location} ${own.text}`);
  const providers = (await owner.get(`${rig.url}/auth/me/identities`)).body.items.map((item) => item.provider);
  if (here === 'proven') {
    // The account is its owner's, who proved it: nothing is taken away, and the owner is told.
    assert.deepEqual(await first.ways(), before);
    assert.ok(providers.length >= 2);
  } else {
    assert.deepEqual(providers, [name]);
    assert.deepEqual(await first.ways(), []);
    const late = await new Browser().post(`${rig.url}/auth/verify`, { token: first.verification });
    assert.equal(late.status, 401); // links of mails from before are dead, too
    assert.deepEqual((await owner.get(`${rig.url}/auth/me/identities`)).body.items.map((item) => item.provider), [name]);
  }
  // The owner comes again.
  const again = new Browser(owner.as);
  await rig.signIn(again, name);
  assert.equal((await again.get(`${rig.url}/auth/me`)).body.id, first.id);
}

const cases = {};
for (const way of ['password', 'provider']) {
  for (const here of ['unproven', 'proven']) {
    for (const name of ['good', 'other']) {
      for (const there of ['proven', 'unproven']) {
        cases[`${way} first, ${here} here, ${there} by ${name}`] = () => cell(way, here, name, there);
      }
    }
  }
}
await run([rig], cases);
