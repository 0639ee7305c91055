// The pages of /auth/ui: one shell (page.html), drawn by the last part of the address.
import { pages as account } from './account.js';
import { pages as enter } from './enter.js';
import { $, ask, make, settings } from './kit.js';
import { pages as providers, tellReason } from './providers.js';

const pages = { ...enter, ...account, ...providers };
const answer = await ask('GET', '/auth/ui/settings.json');
if (answer.ok) Object.assign(settings, answer.body);
if (settings.logo) $('app').append(make('img', '', { src: '/auth/ui/logo', alt: '' }));
$('app').append(settings.app);
const page = location.pathname.split('/')[3] ?? '';
await (Object.hasOwn(pages, page) ? pages[page] : pages['sign-in'])();
tellReason();
