import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProjectFacts } from './promptParts.js';
import { isAbsence, readRepositoryFile } from './readRepositoryFile.js';
import { shortenText } from './shortenText.js';

/** Files in which repositories tell how to work in them, the ones for agents first. */
const STANDARDS_FILES = [
  'AGENTS.md',
  'CLAUDE.md',
  'GEMINI.md',
  'CONVENTIONS.md',
  'CONTRIBUTING.md',
  '.github/CONTRIBUTING.md',
  'docs/CONTRIBUTING.md',
  '.github/copilot-instructions.md',
  '.cursorrules',
  '.windsurfrules',
  '.clinerules',
  'STYLEGUIDE.md',
  '.editorconfig',
];
/** Folders of such files. */
const STANDARDS_FOLDERS = ['.cursor/rules', '.windsurf/rules', '.clinerules'];
const FOLDER_FILES_MAX = 10;
/** More of a file is not even read; a prompt shows less of it (`PROMPT_BUDGETS`). */
const READ_BYTES_MAX = 256 * 1024;
const KEPT_BYTES_MAX = 64 * 1024;

/**
 * The text of a repository's standards files, each once however many names lead to it, shortened with a mark.
 * @param root real path of the repository.
 */
export async function readStandards(root: string): Promise<ProjectFacts['standards'][number][]> {
  const names = [...STANDARDS_FILES];
  for (const folder of STANDARDS_FOLDERS) names.push(...(await listFolder(root, folder)));
  const seen = new Set<string>();
  const standards: ProjectFacts['standards'][number][] = [];
  for (const file of names) {
    const found = await readRepositoryFile(root, file, READ_BYTES_MAX);
    if (found === null || seen.has(found.realPath) || found.text.trim() === '') continue;
    seen.add(found.realPath);
    standards.push({ file, text: shortenText(found.text.trim(), KEPT_BYTES_MAX) });
  }
  return standards;
}

async function listFolder(root: string, folder: string): Promise<string[]> {
  try {
    const names = await readdir(join(root, folder));
    return names
      .filter((name) => /\.mdc?$/.test(name))
      .sort()
      .slice(0, FOLDER_FILES_MAX)
      .map((name) => `${folder}/${name}`);
  } catch (error) {
    if (isAbsence(error)) return [];
    throw error;
  }
}
