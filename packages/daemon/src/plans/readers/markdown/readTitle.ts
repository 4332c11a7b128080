import { toPlainText } from '../../markdownBlocks.js';

export interface TitleLine {
  /** As written in the title; null when it has none. */
  readonly id: string | null;
  readonly title: string;
}

/** `T1`, `API-12`, `REQ_3`, `FR-1.2`: letters of one case, then digits. `OAuth2` is a word. */
const idShape =
  '(?:[A-Z]{1,10}|[a-z]{1,10}|[A-Z][a-z]{1,9})(?:[-_](?:[A-Z]{1,10}|[a-z]{1,10}))*[-_]?\\d{1,6}(?:\\.\\d{1,6})*[a-z]?';
const numberShape = '\\d{1,6}(?:\\.\\d{1,6})+';
const anyId = `(?:${idShape}|${numberShape})`;

const patterns: readonly RegExp[] = [
  // **T1** Title, **T1**: Title, [T1] Title
  new RegExp(`^(?:\\*\\*|__)(${anyId}):?(?:\\*\\*|__)\\s*[:.)–—-]?\\s+(.+)$`, 'su'),
  new RegExp(`^\\[(${anyId})\\]:?\\s+(.+)$`, 'su'),
  // `any-id`: Title
  /^`([^\s`]{1,100})`\s*(?::|\s[–—-])\s+(.+)$/su,
  // `set-up` Title, `T1` title
  /^`([a-z\d]+(?:[-_.][a-z\d]+)+|[a-z]{2,}(?=`\s+\p{Lu}))`\s+(.+)$/su,
  new RegExp(`^\`(${anyId})\`\\s+(.+)$`, 'su'),
];

const plainPatterns: readonly RegExp[] = [
  // T1: Title, T1) Title, T1 - Title
  new RegExp(`^(${idShape})(?:\\s*[:)]|\\.(?=\\s)|\\s+[–—-])\\s*(.+)$`, 'su'),
  // T001 Title
  /^([A-Z]{1,5}\d{3,6})\s+(.+)$/su,
  // 1.2 Title, 1.2: Title, 1: Title, 1. Title
  new RegExp(`^(${numberShape})(?:[:.)]|\\s+[–—-])?\\s+(.+)$`, 'su'),
  /^(\d{1,6})[:.)]\s+(.+)$/su,
  // Task 1: Title
  /^((?:task|step|story|milestone)\s+#?\d{1,6}(?:\.\d{1,6})*)\s*[:.)–—-]\s*(.+)$/isu,
];

/** Splits what a task is called into the id it starts with, if any, and the title as plain text. */
export function readTitle(markdown: string): TitleLine {
  for (const pattern of patterns) {
    const [, id, rest] = pattern.exec(markdown) ?? [];
    if (id !== undefined && rest !== undefined) return { id, title: tidy(toPlainText(rest)) };
  }
  const plain = toPlainText(markdown).trim();
  for (const pattern of plainPatterns) {
    const [, id, rest] = pattern.exec(plain) ?? [];
    if (id !== undefined && rest !== undefined) {
      return {
        id: id.replace(/\s+#?/g, '-').toLowerCase() === id.toLowerCase() ? id : toWordId(id),
        title: tidy(rest),
      };
    }
  }
  return { id: null, title: tidy(plain) };
}

/** `Task 1` as an id: `task-1`. */
function toWordId(id: string): string {
  return id.toLowerCase().replace(/\s+#?/g, '-');
}

function tidy(title: string): string {
  return title
    .replace(/\s+/g, ' ')
    .replace(/^[\s:;,|–—-]+(?=\S)|[\s:;,|–—]+$/gu, '')
    .trim();
}
