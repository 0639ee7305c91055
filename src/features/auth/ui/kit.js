// What the pages of /auth/ui share: asking the server, forms, drawing. Texts from outside are only ever put as text;
// nothing is kept in the browser but the session's cookie, which no script can read.

// What /auth/ui/settings.json says of the app; filled by page.js before any page is drawn.
export const settings = { app: '', logo: false, registration: 'closed', profile: [], providers: [] };

export const $ = (id) => document.getElementById(id);

export function make(tag, text, attributes = {}) {
  const element = document.createElement(tag);
  if (text) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

export function tell(text, wrong = false) {
  $('told').textContent = text;
  $('told').classList.toggle('wrong', wrong);
}

export async function ask(method, path, body) {
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
export function next() {
  const wanted = new URLSearchParams(location.search).get('next') ?? '';
  try {
    const url = new URL(wanted, location.origin);
    // "/..//elsewhere" is a path of this site whose own path, "//elsewhere", is an address when it is read again.
    const here = url.origin === location.origin && !url.pathname.startsWith('//');
    if (wanted.startsWith('/') && here) return url.pathname + url.search + url.hash;
  } catch { /* no address */ }
  return '/auth/ui/account';
}

// fields: [{name, label, type, autocomplete, required}]; send(values) gives an answer or throws.
export function form(fields, button, send, done) {
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

export function show(answer, element) {
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

export function draw(title, ...content) {
  $('title').textContent = title;
  document.title = settings.app ? `${title} · ${settings.app}` : title;
  $('content').replaceChildren(...content);
  $('ways').replaceChildren();
  // To the first field; without one to the title, so that a screen reader says where one is.
  ($('content').querySelector('input') ?? $('title')).focus();
}

export function ways(...links) {
  $('ways').replaceChildren(...links.map(([text, page]) => make('a', text, { href: `/auth/ui/${page}${location.search}` })));
}

export const EMAIL = { name: 'email', label: 'E-mail address', type: 'email', autocomplete: 'username' };
export const PASSWORD = { name: 'password', label: 'Password', type: 'password', autocomplete: 'current-password' };
export const NEW_PASSWORD = { name: 'password', label: 'New password', type: 'password', autocomplete: 'new-password' };
export const CODE = { name: 'code', label: 'Code of your authenticator app, or a recovery code', autocomplete: 'one-time-code', inputmode: 'text' };
export const token = new URLSearchParams(location.search).get('token') ?? '';
