import { readlinkSync } from 'node:fs';

/** As many as the system follows. */
const LINKS_MAX = 40;

/**
 * Whether `path` is a symbolic link that stays in its worktree, wherever it would lead step by step through other links.
 * What does not exist counts as plain directories, so that a link can't wait for its target to appear. Absolute ones lead
 * out: in another checkout they mean something else. So do those into `.git`.
 * @param root the worktree; absolute, without links.
 * @param path relative to it, as bytes: names need not be UTF-8.
 */
export function isLinkInside(root: string, path: Buffer): boolean {
  // One character a byte, so that nothing is lost on the way there and back.
  const start = Buffer.from(root).toString('latin1');
  const open = path.toString('latin1').split('/');
  const at: string[] = [];
  let links = 0;
  while (open.length > 0) {
    const step = open.shift() ?? '';
    if (step === '' || step === '.') continue;
    if (step === '..') {
      if (at.pop() === undefined) return false;
      continue;
    }
    at.push(step);
    if (step.toLowerCase() === '.git') return false;
    const target = readLink(`${start}/${at.join('/')}`);
    if (target === null) continue;
    links += 1;
    if (links > LINKS_MAX || target.startsWith('/')) return false;
    at.pop();
    open.unshift(...target.split('/'));
  }
  return links > 0;
}

/** Null: no link. */
function readLink(path: string): string | null {
  try {
    return readlinkSync(Buffer.from(path, 'latin1'), 'latin1');
  } catch {
    // Something else, or nothing yet.
    return null;
  }
}
