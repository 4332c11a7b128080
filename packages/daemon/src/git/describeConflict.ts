import { keepFirstBytes } from '../process/boundedText.js';
import { sanitiseText } from '../process/sanitiseText.js';
import { askGit } from './askGit.js';
import { cleanGitText } from './cleanGitText.js';
import type { Repository } from './repository.js';
import type { TestMerge } from './testMerge.js';

const FILES_MAX = 20;
const FILES_WITH_HUNKS_MAX = 8;
const FILE_BYTES_MAX = 1024 * 1024;
const HUNK_BYTES_MAX = 1_500;
const TEXT_BYTES_MAX = 12 * 1024;

/**
 * Says where two works collide, with the lines of both sides, so that the next attempt can do it otherwise.
 * @param secrets taken out before anything is cut, or half of one would stay.
 */
export async function describeConflict(
  repository: Pick<Repository, 'path' | 'environment'>,
  conflict: Extract<TestMerge, { kind: 'conflict' }>,
  targetBranch: string,
  secrets: readonly string[],
): Promise<string> {
  const { files } = conflict;
  const shown = files.slice(0, FILES_MAX).map((file) => `- ${showName(file)}`);
  if (files.length > shown.length) shown.push(`- and ${files.length - shown.length} more`);
  const parts = [
    `The work conflicts with what was merged into ${targetBranch} meanwhile, in:`,
    ...shown,
    ...conflict.messages.slice(0, FILES_MAX).map((message) => sanitiseText(message)),
  ];
  for (const file of files.slice(0, FILES_WITH_HUNKS_MAX)) {
    const hunks = await readHunks(repository, conflict.tree, file, secrets);
    if (hunks.length > 0) parts.push('', `${showName(file)}:`, ...hunks);
  }
  return keepFirstBytes(cleanGitText(parts.join('\n'), secrets), TEXT_BYTES_MAX);
}

/** On one line, whatever it is made of. */
function showName(file: string): string {
  return sanitiseText(file).replace(/\s+/g, ' ');
}

async function readHunks(
  repository: Pick<Repository, 'path' | 'environment'>,
  tree: string,
  file: string,
  secrets: readonly string[],
): Promise<string[]> {
  const { exitCode, stdout } = await askGit(repository, ['cat-file', 'blob', `${tree}:${file}`], {
    answers: [0, 128],
    outputLimitBytes: FILE_BYTES_MAX,
  }).catch(() => ({ exitCode: 128, stdout: Buffer.alloc(0) }));
  if (exitCode !== 0 || stdout.includes(0)) return [];
  return extractHunks(cleanGitText(stdout.toString('utf8'), secrets));
}

/** The parts of a text between conflict marks, the commits in the marks replaced by words. Pure. */
export function extractHunks(text: string): string[] {
  const hunks: string[] = [];
  let open: string[] | null = null;
  for (const [index, line] of text.split('\n').entries()) {
    if (line.startsWith('<<<<<<< ')) open = [`@ line ${index + 1}`, '<<<<<<< merged meanwhile'];
    else if (open !== null && line.startsWith('>>>>>>> ')) {
      hunks.push(keepFirstBytes([...open, '>>>>>>> this work'].join('\n'), HUNK_BYTES_MAX));
      open = null;
    } else open?.push(line);
  }
  return hunks;
}
