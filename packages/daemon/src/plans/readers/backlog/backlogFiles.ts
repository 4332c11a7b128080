import { planLimits } from '@neolith/contracts';
import { isRecord } from '../../isRecord.js';
import { type MarkdownFile, parseMarkdownFile } from '../../markdownBlocks.js';
import { parseYamlDocument } from '../../parseYamlDocument.js';
import type { PlanFolder, PlanText } from '../../planReader.js';
import type { ProblemLog } from '../../problemLog.js';
import type { StructuredDocument } from '../../structuredDocument.js';
import { cleanForeignValue } from '../cleanForeignValue.js';

/** A file with front matter that has an id: a task, or a milestone. */
export interface BacklogFile {
  readonly id: string;
  readonly record: Readonly<Record<string, unknown>>;
  readonly markdown: MarkdownFile;
  readonly locate: StructuredDocument['locate'];
}

export interface BacklogFiles {
  readonly tasks: readonly BacklogFile[];
  readonly milestones: readonly BacklogFile[];
  /** Tasks that were put away; what depends on them does not wait. */
  readonly archived: readonly BacklogFile[];
  /** As the configuration beside the tasks says. */
  readonly projectName: string | null;
}

/** True when the front matter at the start of `text` is that of a task. */
export function looksLikeBacklogTask(text: string): boolean {
  const frontMatter =
    /^---\s*\n([\s\S]*?)\n(?:---|\.\.\.)\s*(?:\n|$)/.exec(text.slice(0, 100_000))?.[1] ?? '';
  return ['id', 'title', 'status'].every((field) => new RegExp(`^${field}[ \\t]*:`, 'm').test(frontMatter));
}

/** Sorts the files of a folder by what they are; what is no task is named in a notice. */
export function sortBacklogFiles(folder: PlanFolder, log: ProblemLog): BacklogFiles {
  const tasks: BacklogFile[] = [];
  const milestones: BacklogFile[] = [];
  const archived: BacklogFile[] = [];
  let projectName: string | null = null;
  const skip = (file: string, why: string) =>
    log.add('FILE_SKIPPED', { file, line: 1 }, `${file} ${why}; it is not imported.`);

  for (const source of folder.files) {
    const { file } = source;
    if (!/\.(?:md|markdown)$/i.test(file)) {
      if (/(?:^|\/)(?:backlog\.)?config\.ya?ml$/i.test(file)) projectName ??= readProjectName(source);
      else skip(file, 'is no Markdown file');
      continue;
    }
    const folders = new Set(file.toLowerCase().split(/[\\/]/).slice(0, -1));
    if (folders.has('docs') || folders.has('decisions')) skip(file, 'is a document, no task');
    else if (folders.has('drafts')) skip(file, 'is a draft');
    else {
      const entry = readBacklogFile(source, log, skip);
      if (entry === null) continue;
      if (folders.has('archive')) {
        archived.push(entry);
        skip(file, 'is archived');
      } else if (folders.has('milestones')) milestones.push(entry);
      else tasks.push(entry);
    }
  }
  return { tasks, milestones, archived, projectName };
}

function readBacklogFile(
  source: PlanText,
  log: ProblemLog,
  skip: (file: string, why: string) => void,
): BacklogFile | null {
  const { file } = source;
  const markdown = parseMarkdownFile(source, log);
  if (markdown === null) return null;
  if (markdown.frontMatter === null) {
    skip(file, 'has no front matter and is no task');
    return null;
  }
  const document = parseYamlDocument(markdown.frontMatter, log);
  if (document === null) return null;
  const { value: record, locate } = document;
  if (!isRecord(record)) {
    skip(file, 'has front matter without fields and is no task');
    return null;
  }
  if (!cleanForeignValue(record, locate, log)) return null;
  const id = typeof record.id === 'number' ? String(record.id) : record.id;
  if (
    typeof id !== 'string' ||
    id.trim() === '' ||
    id.trim().length > planLimits.idCharsMax ||
    /\p{Cc}/u.test(id)
  ) {
    log.add(
      'ROW_WITHOUT_ID',
      locate(['id']),
      `${file} has ${record.id === undefined ? 'no "id"' : `an "id" that is not a text of 1 to ${planLimits.idCharsMax} characters`} in its front matter and is left out; give it one.`,
    );
    return null;
  }
  return { id: id.trim(), record, markdown, locate };
}

function readProjectName({ text }: PlanText): string | null {
  const [, name] = /^project_name[ \t]*:[ \t]*["']?(.*?)["']?[ \t]*\r?$/m.exec(text) ?? [];
  return name === undefined || name === '' ? null : name.slice(0, planLimits.nameCharsMax).toWellFormed();
}
