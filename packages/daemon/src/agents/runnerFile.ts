import { fileURLToPath } from 'node:url';

/**
 * The path of one of our small programs, which run as child processes. They are no TypeScript, and lie in `src` for
 * whoever runs from `dist` as well.
 */
export function findRunner(name: 'callFunction.mjs' | 'call_function.py' | 'runTool.mjs'): string {
  return fileURLToPath(new URL(`../../src/agents/runners/${name}`, import.meta.url));
}
