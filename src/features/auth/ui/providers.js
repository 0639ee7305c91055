// Signing in with an identity provider: the buttons, the second step, and which ones an account has.
import { $, ask, CODE, draw, form, make, next, settings, tell, ways } from './kit.js';

// What `error` in the address says, in words; of any other nothing is shown.
const REASONS = {
  cancelled: 'The sign-in was broken off.',
  conflict: 'There is an account with this address, or this identity signs in to another one. Sign in as you did before, then add the provider in your account.',
  forbidden: 'You cannot sign in this way here. Ask whoever runs this site.',
  invalid: 'The provider does not tell all that an account here needs. Make an account first, then add the provider there.',
  invalid_credentials: 'This sign-in took too long, or was not begun here. Try again.',
  rate_limited: 'Too many sign-ins were begun. Wait a while, then try again.',
  unavailable: 'The provider cannot be reached or refused. Try again later.',
};

// After a page was drawn: why one is here, if a provider's sign-in failed.
export function tellReason() {
  const reason = new URLSearchParams(location.search).get('error') ?? '';
  if (Object.hasOwn(REASONS, reason)) tell(REASONS[reason], true);
}

export function providerButtons() {
  if (settings.providers.length === 0) return [];
  const list = make('div', '', { class: 'providers' });
  for (const { name, label } of settings.providers) {
    list.append(make('a', `Go on with ${label}`, { class: 'provider', href: `/auth/oauth/${name}/start?return_to=${encodeURIComponent(next())}` }));
  }
  return [list];
}

const labelOf = (name) => settings.providers.find((provider) => provider.name === name)?.label ?? name;

function row(identity) {
  const element = make('li');
  const what = make('span', `${labelOf(identity.provider)} `);
  what.append(make('small', identity.email));
  const remove = make('button', 'Remove', { type: 'button', class: 'plain', 'aria-label': `Remove ${labelOf(identity.provider)}` });
  remove.addEventListener('click', async () => {
    const answer = await ask('DELETE', `/auth/me/identities/${identity.id}`);
    await pages.identities();
    if (!answer.ok) tell(answer.body.detail, true);
  });
  element.append(what, remove);
  return element;
}

function add({ name, label }) {
  const element = make('button', `Add ${label}`, { type: 'button', class: 'plain' });
  element.addEventListener('click', async () => {
    const answer = await ask('POST', `/auth/oauth/${name}/link`, { return_to: '/auth/ui/identities' });
    if (answer.ok) location.assign(answer.body.url);
    else tell(answer.body.detail, true);
  });
  return element;
}

export const pages = {
  // The account has a second factor; the ticket is in the fragment, which goes to no server and into no log.
  provider: () => {
    const token = new URLSearchParams(location.hash.slice(1)).get('token') ?? '';
    history.replaceState(null, '', location.pathname + location.search);
    draw('Second step', form([CODE], 'Go on', (values) => ask('POST', '/auth/oauth/token', { token, ...values, session: 'cookie' }),
      () => location.assign(next())));
    ways(['Sign in', 'sign-in']);
  },
  identities: async () => {
    const answer = await ask('GET', '/auth/me/identities');
    if (!answer.ok) return location.replace(`/auth/ui/sign-in?next=${encodeURIComponent(location.pathname)}`);
    const list = make('ul', '', { 'aria-label': 'Ways of signing in' });
    for (const identity of answer.body.items) list.append(row(identity));
    const more = make('div', '', { class: 'providers' });
    more.append(...settings.providers.map(add));
    draw('Ways of signing in', ...(answer.body.items.length > 0 ? [list] : [make('p', 'None but your password or the links of mails.')]), more);
    $('ways').replaceChildren(make('a', 'Your account', { href: '/auth/ui/account' }));
  },
};
