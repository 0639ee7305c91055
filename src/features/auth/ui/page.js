// The pages of /auth/ui: one shell, drawn by the last part of the address. Texts from outside are only ever put
// as text; nothing is kept in the browser but the session's cookie, which no script can read.
'use strict';

const $ = (id) => document.getElementById(id);

function make(tag, text, attributes = {}) {
  const element = document.createElement(tag);
  if (text) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function tell(text, wrong = false) {
  $('told').textContent = text;
  $('told').classList.toggle('wrong', wrong);
}

async function ask(method, path, body) {
  const answer = await fetch(path, {
    method,
    credentials: 'same-origin',
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  return { ok: answer.ok, status: answer.status, body: text ? JSON.parse(text) : {} };
}

// Where to go afterwards: a path of this very site, whatever the address says.
function next() {
  const wanted = new URLSearchParams(location.search).get('next') ?? '';
  try {
    const url = new URL(wanted, location.origin);
    if (wanted.startsWith('/') && url.origin === location.origin) return url.pathname + url.search + url.hash;
  } catch { /* no address */ }
  return '/auth/ui/account';
}

// fields: [{name, label, type, autocomplete, required}]; send(values) gives an answer or throws.
function form(fields, button, send, done) {
  const element = make('form', '', { novalidate: '' });
  for (const field of fields) {
    const id = `field-${field.name}`;
    element.append(make('label', field.label, { for: id }));
    const input = make('input', '', { id, name: field.name, type: field.type ?? 'text', autocomplete: field.autocomplete ?? 'off' });
    if (field.required !== false) input.required = true;
    if (field.inputmode) input.setAttribute('inputmode', field.inputmode);
    element.append(input);
  }
  const submit = make('button', button, { type: 'submit' });
  element.append(submit);
  element.addEventListener('submit', async (event) => {
    event.preventDefault();
    for (const old of element.querySelectorAll('.fault')) old.remove();
    for (const input of element.querySelectorAll('input')) input.removeAttribute('aria-invalid');
    const values = {};
    for (const field of fields) {
      const value = element.elements[field.name].value;
      if (value !== '' || field.required !== false) values[field.name] = field.number ? Number(value) : value;
    }
    submit.disabled = true;
    tell('');
    try {
      const answer = await send(values);
      if (answer.ok) return done(answer.body, values);
      show(answer, element);
    } catch {
      tell('The server cannot be reached. Try again.', true);
    } finally {
      submit.disabled = false;
    }
  });
  return element;
}

function show(answer, element) {
  let placed = false;
  for (const fault of answer.body.errors ?? []) {
    const input = element.elements[fault.pointer.slice(1)];
    if (!input) continue;
    const id = `fault-${input.name}`;
    input.setAttribute('aria-invalid', 'true');
    input.setAttribute('aria-describedby', id);
    input.after(make('p', fault.detail, { class: 'fault', id }));
    if (!placed) input.focus();
    placed = true;
  }
  if (!placed) tell(answer.body.detail ?? answer.body.title ?? `The server answered ${answer.status}.`, true);
}

function draw(title, ...content) {
  document.title = title;
  $('title').textContent = title;
  $('content').replaceChildren(...content);
  $('content').querySelector('input')?.focus();
}

function ways(...links) {
  $('ways').replaceChildren(...links.map(([text, page]) => make('a', text, { href: `/auth/ui/${page}${location.search}` })));
}

const EMAIL = { name: 'email', label: 'E-mail address', type: 'email', autocomplete: 'username' };
const PASSWORD = { name: 'password', label: 'Password', type: 'password', autocomplete: 'current-password' };
const NEW_PASSWORD = { name: 'password', label: 'New password', type: 'password', autocomplete: 'new-password' };
const CODE = { name: 'code', label: 'Code of your authenticator app, or a recovery code', autocomplete: 'one-time-code', inputmode: 'text' };
const token = new URLSearchParams(location.search).get('token') ?? '';

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

// An answer that is drawn already is no fault and not the end.
const waits = { ok: true, body: { waits: true } };
const pages = {
  'sign-in': () => {
    draw('Sign in', form([EMAIL, PASSWORD], 'Sign in', async (values) => (await signIn('/auth/login', values)) ?? waits,
      (body) => { if (!body.waits) location.assign(next()); }));
    const open = settings.registration === 'open' ? [['Make an account', 'register']] : [];
    ways(...open, ['Forgot the password?', 'recover'], ['Sign in by a link in a mail', 'link']);
  },
  register: () => {
    const more = settings.profile.map((column) => ({ ...column, label: column.label || column.name, autocomplete: 'on' }));
    draw('Make an account', form([EMAIL, { ...NEW_PASSWORD, label: 'Password' }, ...more], 'Register',
      (values) => ask('POST', '/auth/register', { ...values, session: 'cookie' }),
      (body) => { if (body.user) location.assign(next()); else draw('Look into your mailbox', make('p', body.detail)); }));
    ways(['Sign in', 'sign-in']);
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
  account: async () => {
    const me = await ask('GET', '/auth/me');
    if (!me.ok) return location.replace('/auth/ui/sign-in');
    const sessions = await ask('GET', '/auth/sessions');
    const list = make('ul');
    for (const session of sessions.body.items ?? []) {
      const row = make('li');
      const where = make('span', `${session.address} `);
      where.append(make('small', `${session.user_agent || 'a program'} · ${new Date(session.last_used_at).toLocaleString()}`));
      row.append(where);
      if (session.current) row.append(make('small', 'this one'));
      else {
        const end = make('button', 'Sign out', { type: 'button', class: 'plain', 'aria-label': `Sign out ${session.address}` });
        end.addEventListener('click', async () => { await ask('DELETE', `/auth/sessions/${session.id}`); pages.account(); });
        row.append(end);
      }
      list.append(row);
    }
    const change = form([{ ...PASSWORD, name: 'current_password', label: 'Current password' }, { ...NEW_PASSWORD, name: 'new_password' }],
      'Change the password', (values) => ask('POST', '/auth/password', values), () => { tell('The password is changed.'); pages.account(); });
    const out = make('button', 'Sign out', { type: 'button' });
    out.addEventListener('click', async () => { await ask('POST', '/auth/logout'); location.assign('/auth/ui/sign-in'); });
    draw('Your account', make('p', me.body.email), make('h2', 'Where you are signed in'), list, make('h2', 'Password'), change, out);
  },
};

let settings = { registration: 'closed', profile: [] };
(async () => {
  const answer = await ask('GET', '/auth/ui/settings.json');
  if (answer.ok) settings = answer.body;
  const page = location.pathname.split('/')[3] ?? '';
  (pages[page] ?? pages['sign-in'])();
})();
