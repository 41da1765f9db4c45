#!/usr/bin/env node
// The installed `tessera` command: installs the Node hook, so that commands can load TypeScript files, then parses arguments.

// A static import for its effect would be dropped: the package declares that its modules have none.
export {};

await import('./register.ts');
await import('./cli.ts');
