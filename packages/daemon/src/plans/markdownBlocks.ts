import MarkdownIt, { type Token } from 'markdown-it';
import type { PlanText } from './planReader.js';
import type { ProblemLog } from './problemLog.js';
import { isUnsafeText, sanitiseText } from './sanitiseText.js';

/** Blocks are parsed at some 5 MB a second, and take some 100 times their size of memory. */
export const markdownCharsMax = 5 * 1024 * 1024;

/** How deep lists, quotes and what is in them may nest; every list item takes two levels. */
const blockNestingMax = 100;

const parser = new MarkdownIt({ html: true, maxNesting: blockNestingMax });
// Inline text is read by us; a line such as `[x]: text` must not vanish as the definition of a link.
parser.core.ruler.enableOnly(['normalize', 'block']);
parser.block.ruler.disable('reference');

const inlineParser = new MarkdownIt();

/** A Markdown file in its parts. All of them keep the line numbers of the file. */
export interface MarkdownFile {
  readonly file: string;
  /** The YAML between the two lines `---` at the start; null when there is none. */
  readonly frontMatter: PlanText | null;
  /** The lines of the file, those of the front matter empty. */
  readonly lines: readonly string[];
  /** Blocks in the order of the file; `map` counts lines from 0. Text inside of blocks is not parsed. */
  readonly tokens: readonly Token[];
}

/** Splits and parses a Markdown file. Returns null when it is too large; then that was reported. */
export function parseMarkdownFile({ file, text }: PlanText, log: ProblemLog): MarkdownFile | null {
  if (text.length > markdownCharsMax) {
    log.add(
      'FILE_TOO_LARGE',
      { file, line: 1 },
      `${file} is Markdown of more than 5 MB; split it, or write it as JSON.`,
    );
    return null;
  }
  if (isUnsafeText(text)) {
    log.add(
      'TEXT_SANITISED',
      { file, line: 1 },
      `${file} holds NUL or half characters; they were replaced by U+FFFD.`,
    );
  }
  const lines = sanitiseText(text).split(/\r\n|\n|\r/);
  const end = findFrontMatterEnd(lines);
  const body = lines.map((line, index) => (index < end ? '' : line));
  const tokens = parser.parse(body.join('\n'), {});
  const deepest = tokens.find(({ level }) => level >= blockNestingMax);
  if (deepest !== undefined) {
    log.add(
      'NESTING_TOO_DEEP',
      { file, line: (deepest.map?.[0] ?? 0) + 1 },
      'Here lists or quotes are nested too deep to be read; flatten them.',
    );
  }
  const frontMatter =
    end === 0
      ? null
      : {
          file,
          text: lines
            .slice(0, end - 1)
            .map((line, index) => (index === 0 ? '' : line))
            .join('\n'),
        };
  return { file, frontMatter, lines: body, tokens };
}

/** The line after the front matter, counted from 0; 0 when there is none. */
function findFrontMatterEnd(lines: readonly string[]): number {
  if (!/^---\s*$/.test(lines[0] ?? '')) return 0;
  const end = lines.findIndex((line, index) => index > 0 && /^(?:---|\.\.\.)\s*$/.test(line));
  return end + 1;
}

const plainTextCharsMax = 5_000;

/** Inline Markdown as it is read: without marks, links and images by their text, code in its backticks. */
export function toPlainText(markdown: string): string {
  if (markdown.length > plainTextCharsMax || !/[*_[\]!<>&\\`~]/.test(markdown)) return markdown;
  const [line] = inlineParser.parseInline(markdown, {});
  return (line?.children ?? [])
    .map(({ type, content }) => {
      switch (type) {
        case 'code_inline':
          return `\`${content}\``;
        case 'softbreak':
        case 'hardbreak':
          return ' ';
        default:
          return content;
      }
    })
    .join('');
}
