// The pages of who is signed in.
import { ask, CODE, draw, form, make, NEW_PASSWORD, PASSWORD, settings, tell, ways } from './kit.js';

// What the server says of the caller; without a session one is led to sign in, and back.
async function mine(path) {
  const answer = await ask('GET', path);
  if (answer.status === 401) {
    location.replace(`/auth/ui/sign-in?next=${encodeURIComponent(location.pathname)}`);
    return null;
  }
  if (!answer.ok) tell(answer.body.detail ?? answer.body.title, true);
  return answer.ok ? answer.body : null;
}

function button(text, press, attributes = {}) {
  const element = make('button', text, { type: 'button', ...attributes });
  element.addEventListener('click', async () => {
    element.disabled = true;
    try { await press(); } finally { element.disabled = false; }
  });
  return element;
}

function link(text, page) {
  const row = make('p');
  row.append(make('a', text, { href: `/auth/ui/${page}` }));
  return row;
}

function session(one) {
  const row = make('li');
  const where = make('span', `${one.address} `);
  where.append(make('small', `${one.user_agent || 'a program'} · ${new Date(one.last_used_at).toLocaleString()}`));
  row.append(where);
  if (one.current) row.append(make('small', 'this one'));
  else {
    row.append(button('Sign out', async () => {
      await ask('DELETE', `/auth/sessions/${one.id}`);
      await pages.sessions();
    }, { class: 'plain', 'aria-label': `Sign out ${one.address}` }));
  }
  return row;
}

const back = () => ways(['Your account', 'account']);

// The picture, the secret for who cannot scan it, and the field for the first code.
function enrol(begun) {
  const how = make('p', 'Scan this with your authenticator app, then type the code that it shows.');
  const picture = make('img', '', { class: 'qr', alt: 'QR code for your authenticator app', width: '224', height: '224',
    src: `data:image/svg+xml,${encodeURIComponent(begun.qr)}` });
  const by_hand = make('p', 'Or type this key into the app: ');
  by_hand.append(make('code', begun.secret.match(/.{1,4}/g).join(' ')));
  draw('Set up your authenticator app', how, picture, by_hand, form([{ ...CODE, label: 'Code' }], 'Turn it on',
    (values) => ask('POST', '/auth/mfa/totp/confirm', values), (body) => recovery(body.recovery_codes)));
  back();
}

function recovery(codes) {
  const list = make('ul', '', { class: 'codes', 'aria-label': 'Recovery codes' });
  for (const code of codes) list.append(make('li', code));
  draw('Keep your recovery codes', make('p', 'Your authenticator app is on, and other devices are signed out. '
    + 'Each of these codes works once in place of the app; they are not shown again.'), list);
  ways(['I have kept them', 'account']);
}

export const pages = {
  account: async () => {
    const me = await mine('/auth/me');
    const mfa = me && await mine('/auth/mfa');
    if (!mfa) return;
    const change = form([{ ...PASSWORD, name: 'current_password', label: 'Current password' }, { ...NEW_PASSWORD, name: 'new_password' }],
      'Change the password', (values) => ask('POST', '/auth/password', values), async () => {
        await pages.account();
        tell('The password is changed; other devices are signed out.');
      });
    draw('Your account', make('p', me.email), link('Where you are signed in', 'sessions'),
      link(mfa.totp ? `Authenticator app: on, ${mfa.recovery_codes_left} recovery codes left` : 'Authenticator app: off', 'second-factor'),
      ...(settings.providers.length > 0 ? [link('Ways of signing in', 'identities')] : []),
      make('h2', 'Password'), change, button('Sign out', async () => {
        await ask('POST', '/auth/logout');
        location.assign('/auth/ui/sign-in');
      }));
  },
  sessions: async () => {
    const found = await mine('/auth/sessions');
    if (!found) return;
    const list = make('ul', '', { 'aria-label': 'Sessions' });
    for (const one of found.items) list.append(session(one));
    draw('Where you are signed in', list, button('Sign out everywhere else', async () => {
      await ask('POST', '/auth/logout', { scope: 'others' });
      await pages.sessions();
      tell('Other devices are signed out.');
    }));
    back();
  },
  'second-factor': async () => {
    const mfa = await mine('/auth/mfa');
    if (!mfa) return;
    if (mfa.totp) {
      draw('Authenticator app', make('p', 'Signing in needs a code of your app. To remove it, type one.'),
        form([CODE], 'Remove the app', (values) => ask('POST', '/auth/mfa/totp/remove', values), async () => {
          await pages['second-factor']();
          tell('The authenticator app is removed.');
        }));
    } else {
      draw('Authenticator app', make('p', 'With it, a password alone signs nobody in as you. Type your password to begin.'),
        form([PASSWORD], 'Set up an app', (values) => ask('POST', '/auth/mfa/totp', values), enrol));
    }
    back();
  },
};
