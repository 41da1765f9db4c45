// `npm run reference`: writes docs/language.md.

import { writeFileSync } from 'node:fs';
import { languagePage } from './reference/page.ts';

writeFileSync(new URL('../docs/language.md', import.meta.url), languagePage());
