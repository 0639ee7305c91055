// The pages of who is not signed in yet, and those that the links of mails lead to.
import { ask, CODE, draw, EMAIL, form, make, NEW_PASSWORD, next, PASSWORD, settings, token, ways } from './kit.js';
import { providerButtons } from './providers.js';

// Signing in goes on with a code where the account has a second factor.
function signIn(path, values) {
  const send = async (more) => {
    const answer = await ask('POST', path, { ...values, ...more, session: 'cookie' });
    if (answer.status === 401 && answer.body.code === 'mfa_required' && !more.code) {
      draw('Second step', form([CODE], 'Go on', send, () => location.assign(next())));
      return null;
    }
    return answer;
  };
  return send({});
}

// The fields of the app's own that people fill in when they come.
function profile() {
  return settings.profile.map((column) => ({ ...column, label: column.label || column.name, autocomplete: 'on' }));
}

// An answer that is drawn already is no fault and not the end.
const waits = { ok: true, body: { waits: true } };
export const pages = {
  'sign-in': () => {
    draw('Sign in', form([EMAIL, PASSWORD], 'Sign in', async (values) => (await signIn('/auth/login', values)) ?? waits,
      (body) => { if (!body.waits) location.assign(next()); }), ...providerButtons());
    const open = settings.registration === 'open' ? [['Make an account', 'register']] : [];
    ways(...open, ['Forgot the password?', 'recover'], ['Sign in by a link in a mail', 'link']);
  },
  register: () => {
    draw('Make an account', form([EMAIL, { ...NEW_PASSWORD, label: 'Password' }, ...profile()], 'Register',
      (values) => ask('POST', '/auth/register', { ...values, session: 'cookie' }),
      (body) => { if (body.user) location.assign(next()); else draw('Look into your mailbox', make('p', body.detail)); }), ...providerButtons());
    ways(['Sign in', 'sign-in']);
  },
  // The link of an invitation proves the address, so that nobody is asked for it.
  invitation: () => {
    draw('You are invited', form([{ ...NEW_PASSWORD, label: 'Password' }, ...profile()], 'Make the account',
      (values) => ask('POST', '/auth/register', { invitation: token, ...values, session: 'cookie' }),
      () => location.assign(next())));
    ways(['Sign in with an account that you have', 'sign-in']);
  },
  recover: () => {
    draw('Forgot the password?', form([EMAIL], 'Send a link', (values) => ask('POST', '/auth/recover', values),
      () => draw('Look into your mailbox', make('p', 'If this address has an account, a mail with a link is on its way.'))));
    ways(['Sign in', 'sign-in']);
  },
  link: () => {
    draw('Sign in by a link', form([EMAIL], 'Send a link', (values) => ask('POST', '/auth/magic', values),
      () => draw('Look into your mailbox', make('p', 'If this address has an account, a mail with a link is on its way.'))));
    ways(['Sign in', 'sign-in']);
  },
  reset: () => {
    draw('New password', form([NEW_PASSWORD], 'Set the password', (values) => ask('POST', '/auth/reset', { token, ...values }),
      () => { draw('The password is set', make('p', 'You are signed out everywhere.')); ways(['Sign in', 'sign-in']); }));
  },
  // Links are followed by mail scanners, too: nothing happens before somebody presses the button.
  magic: () => draw('Sign in', form([], 'Sign in', async () => (await signIn('/auth/magic', { token })) ?? waits,
    (body) => { if (!body.waits) location.assign(next()); })),
  verify: () => draw('Confirm your address', form([], 'Confirm', () => ask('POST', '/auth/verify', { token }),
    () => { draw('Your address is confirmed', make('p', 'Thank you.')); ways(['Go on', 'account']); })),
  email: () => draw('Another address', form([], 'Confirm', () => ask('POST', '/auth/email/confirm', { token }),
    () => { draw('Your address is another now', make('p', 'Sign in with it from now on.')); ways(['Go on', 'account']); })),
};
