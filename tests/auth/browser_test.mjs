// The pages of /auth/ui in a real browser (Chromium): somebody registers, changes the password, signs out, signs in by password
// and by the link of a mail; and a page of another site cannot use the cookie. Whatever the browser complains of (a script or
// style that the content policy refuses, an error in a script) fails the test.
//
//   node tests/auth/browser_test.mjs --binary build/dev/mettle
//
// Exit code 77 (skipped) without tools/npm/node_modules or Chromium (`make setup`).
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { Server } from '../openapi/server.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const NPM = path.join(ROOT, 'tools/npm');
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((file) => existsSync(file));
if (!CHROMIUM || !existsSync(path.join(NPM, 'node_modules/playwright-core'))) {
  console.error('browser: Chromium or tools/npm/node_modules/playwright-core is not there: make setup');
  process.exit(77);
}
const { chromium } = createRequire(path.join(NPM, 'x.js'))('playwright-core');
const at = process.argv.indexOf('--binary');
const binary = path.resolve(at < 0 ? path.join(ROOT, 'build/dev/mettle') : process.argv[at + 1]);
const PATIENCE_MS = 60_000;

const folder = mkdtempSync(path.join(tmpdir(), 'mettle-browser-'));
const app = path.join(folder, 'mettle.yaml');
writeFileSync(app, `mettle: 1
app: club
auth: {table: users}
tables:
  users:
    columns: {name: {type: text, min: 2, description: "Your name"}}
`);
const server = new Server(binary, app);
await server.start();
// Another site: the same machine under another name, so that the browser takes it for one.
const evil = createServer((request, response) => {
  response.setHeader('content-type', 'text/html');
  response.end('<!doctype html><title>evil</title>');
});
await new Promise((resolve) => { evil.listen(0, '127.0.0.1', resolve); });
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
const complaints = [];
let failed = false;
try {
  const context = await browser.newContext({ locale: 'en' });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    // What the server refuses, the console shows as an error, too.
    if (message.type() === 'error' && !/status of (401|422|429)/.test(message.text())) complaints.push(message.text());
  });
  const title = (text) => page.locator('h1', { hasText: text }).waitFor();
  const mail = async (to, part) => {
    for (let tries = 0; tries < 300; tries++) {
      const { items } = await (await fetch(`${server.url}/mettle/mail.json?to=${to}`)).json();
      const link = items.flatMap((item) => item.links).find((url) => url.includes(part));
      if (link) return link;
      await new Promise((resolve) => { setTimeout(resolve, 100); });
    }
    throw new Error(`no mail to ${to} with ${part}`);
  };

  // Registering: a fault stands beside its field, then it goes on.
  await page.goto(`${server.url}/auth/ui`);
  await title('Sign in');
  await page.getByRole('link', { name: 'Make an account' }).click();
  await page.getByLabel('E-mail address').fill('ada@example.com');
  await page.getByLabel('Password').fill('password');
  await page.getByLabel('Your name').fill('Ada');
  await page.getByRole('button', { name: 'Register' }).click();
  await page.locator('.fault', { hasText: 'tried first' }).waitFor();
  assert.equal(await page.getByLabel('Password').getAttribute('aria-invalid'), 'true');
  await page.getByLabel('Password').fill('correct horse battery');
  await page.getByRole('button', { name: 'Register' }).click();
  await title('Your account');
  await page.getByText('ada@example.com').waitFor();
  const [cookie] = await context.cookies();
  assert.deepEqual([cookie.name, cookie.httpOnly, cookie.sameSite], ['mettle-session', true, 'Lax']);
  assert.equal(await page.evaluate('document.cookie'), '');

  // The link of the mail proves the address, after a press of the button.
  await page.goto(await mail('ada@example.com', '/auth/ui/verify'));
  await page.getByRole('button', { name: 'Confirm' }).click();
  await title('Your address is confirmed');

  // Another site's page: its requests come without the cookie, or are refused.
  const stranger = await context.newPage();
  await stranger.goto(`http://localhost:${evil.address().port}/`);
  const refused = await stranger.evaluate(async (url) => {
    const tries = [];
    for (const type of ['application/json', 'text/plain']) {
      try {
        const answer = await fetch(`${url}/auth/logout`, {
          method: 'POST', credentials: 'include', mode: type === 'text/plain' ? 'no-cors' : 'cors',
          headers: { 'content-type': type }, body: '{"scope":"all"}',
        });
        tries.push(answer.type);
      } catch (error) { tries.push('refused'); }
    }
    return tries;
  }, server.url);
  assert.deepEqual(refused, ['refused', 'opaque']);
  await stranger.setContent(`<form action="${server.url}/auth/logout" method="post" enctype="text/plain"><button>x</button></form>`);
  await stranger.getByRole('button').click();
  await stranger.waitForURL(/\/auth\/logout$/);
  await stranger.close();
  await page.goto(`${server.url}/auth/ui/account`);
  await title('Your account');

  // The password is changed; signing out; signing in again, and to where one wanted to go; nowhere else.
  await page.getByLabel('Current password').fill('correct horse battery');
  await page.getByLabel('New password').fill('another horse battery');
  await page.getByRole('button', { name: 'Change the password' }).click();
  await page.getByText('The password is changed.').waitFor();
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await title('Sign in');
  for (const [wanted, reached] of [['/docs', '/docs'], ['https://evil.example/', '/auth/ui/account'],
    ['//evil.example/', '/auth/ui/account'], ['/\\evil.example/', '/auth/ui/account'], ['javascript:alert(1)', '/auth/ui/account']]) {
    await context.clearCookies();
    await page.goto(`${server.url}/auth/ui/sign-in?next=${encodeURIComponent(wanted)}`);
    await page.getByLabel('E-mail address').fill('ada@example.com');
    await page.getByLabel('Password').fill('another horse battery');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL((url) => url.origin === server.url && url.pathname === reached);
  }

  // By the link of a mail.
  await context.clearCookies();
  await page.goto(`${server.url}/auth/ui/link`);
  await page.getByLabel('E-mail address').fill('ada@example.com');
  await page.getByRole('button', { name: 'Send a link' }).click();
  await title('Look into your mailbox');
  await page.goto(await mail('ada@example.com', '/auth/ui/magic'));
  await page.getByRole('button', { name: 'Sign in' }).click();
  await title('Your account');
  assert.deepEqual(complaints, []);
  console.log('browser: registered, confirmed, changed, signed in and out; another site was held off');
} catch (error) {
  failed = true;
  console.error(`browser: ${error.stack}\n${complaints.join('\n')}\n${server.log.slice(-3000)}`);
} finally {
  await browser.close();
  evil.close();
  const code = await server.stop();
  if (code !== 0) { failed = true; console.error(`browser: the server ended with ${code}:\n${server.log.slice(-3000)}`); }
  server.remove();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
