import type { Token } from 'markdown-it';
import type { MarkdownFile } from '../../markdownBlocks.js';
import type { PlanPosition } from '../../planProblem.js';

/** A block and what lies in it. */
export interface MarkdownNode {
  /** `heading`, `paragraph`, `bullet_list`, `list_item`, `table`, `tr`, `fence` … */
  readonly type: string;
  readonly token: Token;
  /** First line and the line after the last, counted from 0. */
  readonly start: number;
  readonly end: number;
  /** The text of a heading, a paragraph or a cell, as written; of other blocks empty. */
  readonly text: string;
  readonly children: readonly MarkdownNode[];
}

/** The blocks of a file as a tree. The parser bounds its depth. */
export function makeMarkdownTree({ tokens, lines }: MarkdownFile): readonly MarkdownNode[] {
  interface Open extends MarkdownNode {
    text: string;
    children: MarkdownNode[];
  }
  const top: MarkdownNode[] = [];
  const open: Open[] = [];
  let line = 0;
  for (const token of tokens) {
    const around = open.at(-1);
    if (token.nesting === -1) {
      open.pop();
      continue;
    }
    const [start, end] = token.map ?? [around?.start ?? line, around?.end ?? lines.length];
    line = start;
    if (token.type === 'inline') {
      if (around !== undefined) around.text = token.content;
      continue;
    }
    const node: Open = {
      type: token.type.replace(/_open$/, ''),
      token,
      start,
      end,
      text: '',
      children: [],
    };
    (around?.children ?? top).push(node);
    if (token.nesting === 1) open.push(node);
  }
  return top;
}

/** One line of a block's text, and where each of its characters stands. */
export interface MarkdownLine {
  readonly text: string;
  place(offset: number): PlanPosition;
}

/** The lines of a heading, a paragraph or a cell. */
export function listLines({ file, lines }: MarkdownFile, node: MarkdownNode): MarkdownLine[] {
  return node.text.split('\n').map((text, index) => {
    const trimmed = text.trim();
    const line = node.start + index;
    return {
      text: trimmed,
      place: (offset) => {
        // What the parser gives is the source line without what stands before it, such as marks of lists.
        const column = Math.max(0, lines[line]?.lastIndexOf(trimmed) ?? 0);
        return { file, line: line + 1, column: column + Math.max(0, offset) + 1 };
      },
    };
  });
}

/** The lines of the paragraph that a list item starts with. */
export function listFirstLines(file: MarkdownFile, item: MarkdownNode): MarkdownLine[] {
  const [first] = item.children;
  return first?.type === 'paragraph' || first?.type === 'heading' ? listLines(file, first) : [];
}

/** The lines of a block of HTML that are comments. */
export function listComments({ file, lines }: MarkdownFile, node: MarkdownNode): MarkdownLine[] {
  return lines.slice(node.start, node.end).flatMap((source, index) => {
    const text = source.trim();
    if (!text.startsWith('<!--')) return [];
    const column = source.indexOf(text) + 1;
    return [
      { text, place: (offset: number) => ({ file, line: node.start + index + 1, column: column + offset }) },
    ];
  });
}

/** The lines of blocks as they stand in the file, without the indentation that all of them share. */
export function sliceSource({ lines }: MarkdownFile, start: number, end: number): string {
  const slice = lines.slice(start, end);
  const indents = slice
    .filter((line) => line.trim() !== '')
    .map((line) => /^[ \t]*/.exec(line)?.[0].length ?? 0);
  const shared = indents.reduce((least, indent) => Math.min(least, indent), Infinity);
  return slice
    .map((line) => line.slice(Number.isFinite(shared) ? shared : 0))
    .join('\n')
    .trimEnd();
}
