import { fileURLToPath } from 'node:url';

/** How this very neolith is called again, wherever it is installed: the program and its first argument. */
export const OWN_COMMAND: readonly string[] = [
  process.execPath,
  fileURLToPath(new URL('../bin/neolith.js', import.meta.url)),
];
