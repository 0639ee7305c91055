// The pages of /auth/ui in a real browser (Chromium): somebody signs in with a provider, with a second factor, from another
// site by a form, adds and removes providers; and a page of another site can do none of that. Whatever the browser complains of
// fails the test.
//
//   node tests/oidc/browser_test.mjs --binary build/dev/mettle
//
// Exit code 77 (skipped) without oidc-provider or playwright-core in tools/npm/node_modules, or Chromium (`make setup`).
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';

import { Browser, ROOT, Rig } from './rig.mjs';

const NPM = path.join(ROOT, 'tools/npm');
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((file) => existsSync(file));
if (!CHROMIUM || !existsSync(path.join(NPM, 'node_modules/playwright-core'))) {
  console.error('oidc: Chromium or tools/npm/node_modules/playwright-core is not there: make setup');
  process.exit(77);
}
const { chromium } = createRequire(path.join(NPM, 'x.js'))('playwright-core');
const PATIENCE_MS = 60_000;

const rig = new Rig();
const complaints = [];
let browser, evil, failed = false;
try {
  await rig.start();
  evil = createServer((request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><title>evil</title>');
  });
  await new Promise((resolve) => { evil.listen(0, '127.0.0.1', resolve); });
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  const context = await browser.newContext({ locale: 'en' });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    // What the server refuses, the console shows as an error, too.
    if (message.type() === 'error' && !/status of (401|409|422)/.test(message.text())) complaints.push(message.text());
  });
  const title = (text) => page.locator('h1', { hasText: text }).waitFor();
  for (const issuer of [rig.good, rig.other]) {
    issuer.people.set('ada', { email: 'ada@example.com', email_verified: true, name: 'Ada' });
    issuer.people.set('eve', { email: 'eve@example.com', email_verified: true, name: 'Eve' });
    issuer.who = 'ada';
  }

  // With a press of a button, and to where one wanted to go.
  await page.goto(`${rig.url}/auth/ui/sign-in?next=/auth/ui/sessions`);
  await page.getByRole('link', { name: 'Go on with Good' }).click();
  await title('Where you are signed in');
  const [cookie] = (await context.cookies(rig.url)).filter((one) => one.name.startsWith('mettle'));
  assert.deepEqual([cookie.name, cookie.httpOnly, cookie.sameSite], ['mettle-session', true, 'Lax']);
  assert.equal(await page.evaluate('document.cookie'), '');

  // Another provider is added, from another site and by a form; the first one is removed, the last one is not.
  await page.goto(`${rig.url}/auth/ui/account`);
  await page.getByRole('link', { name: 'Ways of signing in' }).click();
  await title('Ways of signing in');
  await page.getByRole('button', { name: 'Remove Good' }).click();
  await page.getByText('this is the only way into your account').waitFor();
  await page.getByRole('button', { name: 'Add other' }).click();
  await page.getByRole('button', { name: 'Remove other' }).waitFor();
  await page.getByRole('button', { name: 'Remove Good' }).click();
  await page.getByRole('button', { name: 'Remove Good' }).waitFor({ state: 'detached' });

  // Another site's page adds nothing, and signs nobody in as somebody else.
  const stranger = await context.newPage();
  await stranger.goto(`http://localhost:${evil.address().port}/`);
  const link = `${rig.url}/auth/oauth/good/link`;
  const tries = await stranger.evaluate(async (url) => {
    const seen = [];
    for (const type of ['application/json', 'text/plain']) {
      try {
        const answer = await fetch(url, { method: 'POST', credentials: 'include', mode: type === 'text/plain' ? 'no-cors' : 'cors', headers: { 'content-type': type }, body: '{}' });
        seen.push(answer.type);
      } catch { seen.push('refused'); }
    }
    return seen;
  }, link);
  assert.deepEqual(tries, ['refused', 'opaque']);
  await stranger.setContent(`<form action="${link}" method="post" enctype="text/plain"><button>x</button></form>`);
  await stranger.getByRole('button').click();
  await stranger.waitForURL(/\/link$/);
  // Eve's own way, up to its end, which she lets Ada's browser go (login CSRF).
  const eve = new Browser('eve');
  const end = await eve.go(rig.startOf('good'), (address) => !address.includes('/callback'));
  await stranger.goto(`http://localhost:${evil.address().port}/`);
  await stranger.setContent(`<a href="${end.location.replaceAll('&', '&amp;')}">win</a>`);
  await stranger.getByRole('link').click();
  await stranger.waitForURL(/\/auth\/ui\/sign-in\?error=invalid_credentials$/);
  await stranger.getByText('was not begun here').waitFor();
  await stranger.close();
  const me = await page.evaluate(async () => (await (await fetch('/auth/me')).json()).email);
  assert.equal(me, 'ada@example.com');
  const identities = await page.evaluate(async () => (await (await fetch('/auth/me/identities')).json()).items.map((one) => one.provider));
  assert.deepEqual(identities, ['other']);

  // From another site, by a form that sends itself: the cookie that binds the way comes along all the same.
  await context.clearCookies();
  await page.goto(`${rig.url}/auth/ui/sign-in`);
  await page.getByRole('link', { name: 'Go on with other' }).click();
  await title('Your account');
  await page.getByText('ada@example.com').waitFor();

  // Breaking off at the provider.
  await context.clearCookies();
  rig.good.who = 'nobody';
  await page.goto(`${rig.url}/auth/ui/sign-in`);
  await page.getByRole('link', { name: 'Go on with Good' }).click();
  await page.getByText('The sign-in was broken off.').waitFor();
  assert.deepEqual((await context.cookies(rig.url)).filter((one) => one.name.startsWith('mettle')), []);

  // A second factor is asked for; wrong and right.
  const owner = new Browser('bob');
  const password = 'correct horse battery';
  const made = await owner.post(`${rig.url}/auth/register`, { email: 'bob@example.com', password });
  const bearer = { authorization: `Bearer ${made.body.access_token}` };
  const proof = new URL(await rig.mail('bob@example.com', '/auth/ui/verify')).searchParams.get('token');
  assert.equal((await owner.post(`${rig.url}/auth/verify`, { token: proof })).status, 204);
  const begun = await owner.post(`${rig.url}/auth/mfa/totp`, { password }, bearer);
  const { totp } = await import('./totp.mjs');
  const confirmed = await owner.post(`${rig.url}/auth/mfa/totp/confirm`, { code: totp(begun.body.secret) }, bearer);
  rig.good.people.set('bob', { email: 'bob@example.com', email_verified: true, name: 'Bob' });
  rig.good.who = 'bob';
  await context.clearCookies();
  await page.goto(`${rig.url}/auth/ui/sign-in?next=/auth/ui/account`);
  await page.getByRole('link', { name: 'Go on with Good' }).click();
  await title('Second step');
  assert.equal(new URL(page.url()).hash, ''); // the ticket stands in no history
  await page.getByLabel('Code of your authenticator app').fill('000000');
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.locator('.fault').waitFor();
  await page.getByLabel('Code of your authenticator app').fill(confirmed.body.recovery_codes[0]);
  await page.getByRole('button', { name: 'Go on' }).click();
  await title('Your account');
  await page.getByText('bob@example.com').waitFor();
  assert.deepEqual(complaints, []);
  console.log('oidc: a browser signed in with two providers and a second factor; another site was held off');
} catch (error) {
  failed = true;
  console.error(`oidc: ${error.stack}\n${complaints.join('\n')}\n${rig.server?.log.slice(-4000)}`);
} finally {
  await browser?.close();
  evil?.close();
  await rig.stop().catch((error) => { failed = true; console.error(error.message); });
}
process.exit(failed ? 1 : 0);
