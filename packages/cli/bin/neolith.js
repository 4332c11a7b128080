#!/usr/bin/env node
import { existsSync } from 'node:fs';

const entry = new URL('../dist/main.js', import.meta.url);
if (!existsSync(entry)) {
  console.error(
    'neolith is not built yet. In the repository run `npm start` (which builds it), or `npm run build`.',
  );
  process.exit(1);
}
const { runCommandLine } = await import(entry.href);
await runCommandLine(process.argv);
