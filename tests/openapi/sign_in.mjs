// The operations of sign-in: one person's way through them, each called once right and once wrong. What needs the token of a
// mail is called with one that is not, which answers 401; their right answers are tests/scenarios/auth's.
import { valid } from './generate.mjs';

const PASSWORD = 'correct horse battery';

export async function signIn(driver, operations) {
  const left = new Set(operations.map(([template, method]) => `${method} ${template}`));
  const is = (...statuses) => (status) => statuses.includes(status);
  const nobody = '';
  async function call(what, method, target, body, expected, key = nobody, headers = {}) {
    const template = target.split('?')[0].replace(/^\/auth\/oauth\/\w+\/(start|link|callback)$/, '/auth/oauth/{provider}/$1').replace(/^(\/auth\/(?:sessions|invitations|me\/identities))\/.+$/, '$1/{id}');
    left.delete(`${method} ${template}`);
    const { reply } = await driver.call(what, template, method, target, body, headers, expected, key);
    if (!expected(reply.status)) throw new Error(`${method} ${target} (${what}): ${reply.status} ${reply.text}`);
    return reply.text && reply.status < 300 ? JSON.parse(reply.text) : undefined;
  }

  const register = driver.document.paths['/auth/register'].post;
  const profile = await valid(driver.resolve(Object.values(register.requestBody.content)[0].schema), driver);
  const person = { ...profile, email: `drive${Date.now()}@example.com`, password: PASSWORD, session: 'token' };
  delete person.invitation;
  let tokens = await call('right', 'post', '/auth/register', person, is(201));
  await call('the same again', 'post', '/auth/register', person, is(409));
  await call('of nothing', 'post', '/auth/register', {}, is(422));
  await call('an invitation that is none', 'post', '/auth/register', { ...person, invitation: 'mti_x' }, is(401));
  const login = { email: person.email, password: PASSWORD };
  tokens = await call('right', 'post', '/auth/login', login, is(200));
  await call('a wrong password', 'post', '/auth/login', { ...login, password: 'wrong horse battery' }, is(401));
  tokens = await call('right', 'post', '/auth/refresh', { refresh_token: tokens.refresh_token }, is(200));
  await call('no token', 'post', '/auth/refresh', { refresh_token: 'mtr_x' }, is(401));
  const key = tokens.access_token;
  await call('right', 'get', '/auth/me', undefined, is(200), key);
  await call('of nobody', 'get', '/auth/me', undefined, is(401));
  const change = driver.document.paths['/auth/me'].patch;
  const changes = await valid(driver.resolve(change.requestBody.content['application/json'].schema), driver);
  await call('right', 'patch', '/auth/me', changes, is(200), key);
  await call('an unknown member', 'patch', '/auth/me', { nosuchcolumn: 1 }, is(422), key);
  const sessions = await call('right', 'get', '/auth/sessions', undefined, is(200), key);
  const other = sessions.items.find((session) => !session.current);
  await call('right', 'delete', `/auth/sessions/${other.id}`, undefined, is(204), key);
  await call('one that is over', 'delete', `/auth/sessions/${other.id}`, undefined, is(404), key);
  await call('right', 'get', '/auth/mfa', undefined, is(200), key);
  await call('right', 'get', '/auth/me/identities', undefined, is(200), key);
  await call('one that is not there', 'delete', '/auth/me/identities/x', undefined, is(404), key);
  if (driver.document.paths['/auth/oauth']) await providers(call, is, key);
  // Who may invite, the app says; each operation answers as it does for him.
  const invited = await call('as the app has it', 'post', '/auth/invitations', { email: `guest${person.email}` }, is(201, 403), key);
  await call('as the app has it', 'get', '/auth/invitations', undefined, is(invited ? 200 : 403), key);
  await call('as the app has it', 'delete', `/auth/invitations/${invited?.id ?? 'x'}`, undefined, is(invited ? 204 : 403), key);
  if (invited) {
    await call('one that is over', 'delete', `/auth/invitations/${invited.id}`, undefined, is(404), key);
    await call('a role that is none', 'post', '/auth/invitations', { email: person.email, roles: ['nosuchrole'] }, is(422), key);
  }
  await call('of nobody', 'post', '/auth/invitations', { email: person.email }, is(401));
  await call('a wrong password', 'post', '/auth/password', { current_password: 'x', new_password: 'another horse battery' }, is(422), key);
  await call('right', 'post', '/auth/password', { current_password: PASSWORD, new_password: 'another horse battery' }, is(204), key);
  const password = 'another horse battery';
  await call('right', 'post', '/auth/email', { email: `other${person.email}`, password }, is(202), key);
  await call('right', 'post', '/auth/mfa/totp', { password }, is(200), key);
  await call('a wrong password', 'post', '/auth/mfa/totp', { password: 'x' }, is(422), key);
  for (const address of ['/auth/mfa/totp/confirm', '/auth/mfa/totp/remove', '/auth/mfa/verify']) {
    await call('a wrong code', 'post', address, { code: '000000' }, is(422), key);
    await call('of nobody', 'post', address, { code: '000000' }, is(401));
  }
  for (const address of ['/auth/verify', '/auth/recover', '/auth/magic']) {
    await call('for a mail', 'post', address, { email: person.email }, is(202));
    await call('of a thing', 'post', address, { email: {} }, is(422));
  }
  for (const address of ['/auth/verify', '/auth/magic', '/auth/email/confirm']) {
    await call('a wrong token', 'post', address, { token: 'mto_x' }, is(401));
  }
  await call('a wrong token', 'post', '/auth/reset', { token: 'mto_x', password }, is(401));
  await call('right', 'get', '/.well-known/jwks.json', undefined, is(200));
  await call('right', 'post', '/auth/logout', { scope: 'all' }, is(204), key);
  await call('of nobody', 'post', '/auth/logout', undefined, is(401));
  for (const operation of left) driver.fault(operation, 'no call drives it: tests/openapi/sign_in.mjs');
}

// Identity providers, as far as one goes without any; their right answers are tests/oidc's.
async function providers(call, is, key) {
  const { items } = await call('right', 'get', '/auth/oauth', undefined, is(200));
  const own = `/auth/oauth/${items[0].name}`;
  const ticket = { token: 'mtp_x' };
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  await call('out of reach', 'get', `${own}/start`, undefined, is(503));
  await call('one that is not there', 'get', '/auth/oauth/nosuchprovider/start', undefined, is(404));
  await call('to somewhere else', 'get', `${own}/start?return_to=//evil.example`, undefined, is(400));
  await call('a state that is none', 'get', `${own}/callback?state=x&code=y`, undefined, is(401));
  await call('a form', 'post', `${own}/callback`, 'state=x&code=y', is(303), '', form);
  await call('a form that is none', 'post', `${own}/callback`, 'state=%', is(400), '', form);
  await call('out of reach', 'post', `${own}/link`, {}, is(503), key);
  await call('of nobody', 'post', `${own}/link`, {}, is(401));
  for (const [address, credentials] of [['/auth/oauth/token', ''], ['/auth/me/identities', key]]) {
    await call('a wrong token', 'post', address, ticket, is(401), credentials);
    await call('of nothing', 'post', address, {}, is(422), credentials);
  }
}
