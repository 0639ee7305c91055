// The pages of who is signed in.
import { ask, draw, form, make, NEW_PASSWORD, PASSWORD, tell } from './kit.js';

export const pages = {
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
