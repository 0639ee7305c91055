// The pages of /auth/ui in a real browser (Chromium): somebody registers, changes the password, signs out, signs in by password
// and by the link of a mail, sets up an authenticator app by its QR code and signs in with it, ends other sessions, and accepts an
// invitation; and a page of another site cannot use the cookie. Each page is looked at by axe-core (WCAG 2.2 AA), in light and in
// dark, with the app's own colours. Whatever the browser complains of (a script or style that the content policy refuses, an error
// in a script) fails the test.
//
//   node tests/auth/browser_test.mjs --binary build/dev/mettle
//
// Exit code 77 (skipped) without tools/npm/node_modules or Chromium (`make setup`).
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { Server } from '../openapi/server.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const NPM = path.join(ROOT, 'tools/npm');
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((file) => existsSync(file));
if (!CHROMIUM || ['playwright-core', 'axe-core', 'jsqr'].some((name) => !existsSync(path.join(NPM, 'node_modules', name)))) {
  console.error('browser: Chromium, or playwright-core, axe-core or jsqr in tools/npm/node_modules, is not there: make setup');
  process.exit(77);
}
const require = createRequire(path.join(NPM, 'x.js'));
const { chromium } = require('playwright-core');
const { default: readQr } = require('jsqr');
const at = process.argv.indexOf('--binary');
const binary = path.resolve(at < 0 ? path.join(ROOT, 'build/dev/mettle') : process.argv[at + 1]);
const PATIENCE_MS = 60_000;

const folder = mkdtempSync(path.join(tmpdir(), 'mettle-browser-'));
const app = path.join(folder, 'mettle.yaml');
writeFileSync(app, `mettle: 1
app: club
auth:
  table: users
  roles: [member]
  ui: {title: "The Club <1>", logo: logo.svg, accent: "#7a1f5c", accent_dark: "#f0a8d8", style: own.css}
tables:
  users:
    columns: {name: {type: text, min: 2, description: "Your name"}}
`);
writeFileSync(path.join(folder, 'logo.svg'), '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 1"><path d="M0 0h2v1H0z"/></svg>');
// It can change how a page looks, and load nothing from elsewhere.
writeFileSync(path.join(folder, 'own.css'), 'main { border-radius: 3px; } #app { border: 1px solid; border-image: url(http://localhost:9/x.png) 1; }\n');
const AXE = readFileSync(path.join(NPM, 'node_modules/axe-core/axe.min.js'), 'utf8');
const server = new Server(binary, folder);
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
    if (message.type() !== 'error' || /status of (401|422|429)/.test(message.text())) return;
    if (/localhost:9\/x\.png/.test(message.text())) { held_off += 1; return; }
    complaints.push(message.text());
  });
  let held_off = 0;
  // axe-core finds nothing, in light and in dark. It runs in a world of its own, which the page's content policy does not rule.
  const looked_at = [];
  const accessible = async (name) => {
    for (const scheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme: scheme });
      const session = await context.newCDPSession(page);
      const { frameTree } = await session.send('Page.getFrameTree');
      const { executionContextId } = await session.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id, worldName: 'axe' });
      const evaluate = (expression) => session.send('Runtime.evaluate', {
        expression, contextId: executionContextId, awaitPromise: true, returnByValue: true,
      });
      await evaluate(AXE);
      const { result, exceptionDetails } = await evaluate(`axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa',
        'wcag22aa', 'best-practice']}).then(({violations, passes, incomplete}) => ({passes: passes.map((one) => one.id), incomplete: incomplete.map((one) => one.id), violations: violations.map((one) =>
        one.id + ': ' + one.nodes.map((node) => node.html + ' ' + node.failureSummary).join('; '))}))`);
      assert.equal(exceptionDetails, undefined, JSON.stringify(exceptionDetails));
      assert.deepEqual(result.value.violations, [], `${name}, ${scheme}`);
      assert.ok(result.value.passes.includes('color-contrast'), `axe looked at the colours of ${name}`);
      assert.deepEqual(result.value.incomplete, [], `${name}, ${scheme}`);
      await session.detach();
    }
    await page.emulateMedia({ colorScheme: 'light' });
    looked_at.push(name);
  };
  const totp = (secret, step) => {
    let bits = '';
    for (const letter of secret) bits += 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0');
    const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(step));
    const digest = createHmac('sha1', key).update(counter).digest();
    return String((digest.readUInt32BE(digest[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
  };
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
  await page.getByRole('link', { name: 'Make an account' }).waitFor();  // the page is drawn
  assert.equal(await page.title(), 'Sign in · The Club <1>');
  assert.equal(await page.locator('#app').innerText(), 'The Club <1>');
  assert.ok(await page.locator('#app img').evaluate((image) => image.complete && image.naturalWidth > 0), 'the logo is shown');
  const looks = () => page.getByRole('button', { name: 'Sign in' }).evaluate((button) => {
    const { backgroundColor, color } = getComputedStyle(button);
    return [backgroundColor, color, getComputedStyle(document.querySelector('main')).borderRadius];
  });
  assert.deepEqual(await looks(), ['rgb(122, 31, 92)', 'rgb(255, 255, 255)', '3px']);
  await page.emulateMedia({ colorScheme: 'dark' });
  assert.deepEqual(await looks(), ['rgb(240, 168, 216)', 'rgb(16, 19, 26)', '3px']);
  await accessible('sign in');
  await page.getByRole('link', { name: 'Make an account' }).click();
  await page.getByLabel('E-mail address').fill('ada@example.com');
  await page.getByLabel('Password').fill('password');
  await page.getByLabel('Your name').fill('Ada');
  await page.getByRole('button', { name: 'Register' }).click();
  await page.locator('.fault', { hasText: 'tried first' }).waitFor();
  assert.equal(await page.getByLabel('Password').getAttribute('aria-invalid'), 'true');
  await accessible('a fault beside its field');
  await page.getByLabel('Password').fill('correct horse battery');
  await page.getByRole('button', { name: 'Register' }).click();
  await title('Your account');
  await page.getByText('ada@example.com').waitFor();
  await accessible('account');
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
  await page.getByText('The password is changed').waitFor();
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

  // An authenticator app, by the QR code of the page: the code says what the app reads, and its first code turns it on.
  await page.getByRole('link', { name: 'Authenticator app: off' }).click();
  await title('Authenticator app');
  await page.getByLabel('Password').fill('another horse battery');
  await page.getByRole('button', { name: 'Set up an app' }).click();
  await title('Set up your authenticator app');
  const picture = page.getByRole('img', { name: 'QR code for your authenticator app' });
  assert.ok(await picture.evaluate((image) => image.complete && image.naturalWidth > 0), 'the QR code is drawn');
  const secret = (await page.locator('code').innerText()).replaceAll(' ', '');
  const pixels = await picture.evaluate((image) => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [600, 600];
    const drawing = canvas.getContext('2d');
    drawing.drawImage(image, 0, 0, 600, 600);
    return Array.from(drawing.getImageData(0, 0, 600, 600).data);
  });
  const says = new URL(readQr(Uint8ClampedArray.from(pixels), 600, 600)?.data ?? 'none:');
  assert.deepEqual([says.protocol, says.host + decodeURIComponent(says.pathname), says.searchParams.get('secret'), says.searchParams.get('issuer')],
    ['otpauth:', 'totp/The Club <1>:ada@example.com', secret, 'The Club <1>']);
  await accessible('QR code');
  const step = Math.floor(Date.now() / 30_000);
  await page.getByLabel('Code', { exact: true }).fill('000000');
  await page.getByRole('button', { name: 'Turn it on' }).click();
  await page.locator('.fault', { hasText: 'is not the code of now' }).waitFor();
  await page.getByLabel('Code', { exact: true }).fill(totp(secret, step));
  await page.getByRole('button', { name: 'Turn it on' }).click();
  await title('Keep your recovery codes');
  const codes = await page.locator('.codes li').allInnerTexts();
  assert.equal(codes.length, 10);
  await accessible('recovery codes');
  await page.getByRole('link', { name: 'I have kept them' }).click();
  await page.getByRole('link', { name: 'Authenticator app: on, 10 recovery codes left' }).waitFor();

  // From now on the password needs a code; a recovery code will do.
  const elsewhere = await browser.newContext({ locale: 'en' });
  const other = await elsewhere.newPage();
  other.setDefaultTimeout(PATIENCE_MS);
  await other.goto(`${server.url}/auth/ui/sign-in`);
  await other.getByLabel('E-mail address').fill('ada@example.com');
  await other.getByLabel('Password').fill('another horse battery');
  await other.getByRole('button', { name: 'Sign in' }).click();
  await other.locator('h1', { hasText: 'Second step' }).waitFor();
  await other.getByLabel(/^Code of your authenticator app/).fill(codes[3]);
  await other.getByRole('button', { name: 'Go on' }).click();
  await other.getByRole('link', { name: 'Authenticator app: on, 9 recovery codes left' }).waitFor();

  // Where one is signed in: the other browser is seen, and ended.
  await page.getByRole('link', { name: 'Where you are signed in' }).click();
  await title('Where you are signed in');
  assert.equal(await page.locator('li').count(), 2);
  await accessible('sessions');
  await page.getByRole('button', { name: 'Sign out everywhere else' }).click();
  await page.getByText('Other devices are signed out.').waitFor();
  assert.equal(await page.locator('li').count(), 1);
  await other.goto(`${server.url}/auth/ui/account`);
  await other.waitForURL(/\/auth\/ui\/sign-in\?next=%2Fauth%2Fui%2Faccount$/);
  await elsewhere.close();

  // The app is removed by a code of its own.
  await page.goto(`${server.url}/auth/ui/second-factor`);
  await page.getByLabel(/^Code of your authenticator app/).fill(codes[4]);
  await page.getByRole('button', { name: 'Remove the app' }).click();
  await page.getByText('The authenticator app is removed.').waitFor();

  // Who is invited makes an account without being asked for an address.
  const invited = execFileSync(binary, ['user', 'invite', server.file, 'bob@example.com', '--role', 'member', '--link', '--data', server.data,
    '--public-url', server.url], { encoding: 'utf8' }).trim();
  await context.clearCookies();
  await page.goto(invited);
  await title('You are invited');
  assert.equal(await page.getByLabel('E-mail address').count(), 0);
  await accessible('invitation');
  await page.getByLabel('Password').fill('correct horse battery');
  await page.getByLabel('Your name').fill('Bob');
  await page.getByRole('button', { name: 'Make the account' }).click();
  await title('Your account');
  await page.getByText('bob@example.com').waitFor();
  await page.goto(invited);
  await page.getByLabel('Password').fill('correct horse battery');
  await page.getByLabel('Your name').fill('Bob');
  await page.getByRole('button', { name: 'Make the account' }).click();
  await page.locator('#told', { hasText: 'this invitation does not work, or no longer' }).waitFor();
  assert.ok(held_off > 0, 'the style of the app could not load a picture from elsewhere');
  assert.deepEqual(complaints, []);
  console.log('browser: registered, confirmed, changed, signed in and out, second factor, sessions, invitation; another site was held off');
  console.log(`browser: axe-core found nothing on ${looked_at.length} pages, in light and in dark: ${looked_at.join(', ')}`);
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
