#!/usr/bin/env node
// The installed `tessera` command: installs the Node hook, so that commands can load TypeScript files, then parses arguments.

import './register.ts';

await import('./cli.ts');
