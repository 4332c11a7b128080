import type { MarkdownFile } from '../../markdownBlocks.js';

export interface BacklogBody {
  /** All text but the acceptance criteria, with its headings. */
  readonly description: string;
  /** Items of "Acceptance Criteria", then those of "Definition of Done", without their numbers. */
  readonly acceptanceCriteria: readonly string[];
}

const criteriaHeading = /^(?:acceptance criteria|definition of done)\b/i;
const marker = /^\s*<!--\s*(?:SECTION:[A-Z_]+|AC|DOD):(?:BEGIN|END)\s*-->\s*$/;

/** Splits the text of a task into its description and its acceptance criteria. */
export function readBacklogBody({ lines, tokens }: MarkdownFile): BacklogBody {
  const sections = listSections(lines.length, tokens);
  const criteria: { text: string; isDone: boolean }[] = [];
  const description: string[] = [];
  for (const { title, heading, start, end } of sections) {
    if (criteriaHeading.test(title)) {
      const isDone = /^definition/i.test(title);
      for (const text of listItems(tokens, start, end)) criteria.push({ text, isDone });
      continue;
    }
    // The description's own heading says nothing in a description.
    const from = /^description$/i.test(title) && description.join('').trim() === '' ? start : heading;
    description.push(...lines.slice(from, end).filter((line) => !marker.test(line)));
  }
  return {
    description: description
      .join('\n')
      .replace(/\n{3,}/g, '\n\n')
      .trim(),
    acceptanceCriteria: [
      ...criteria.filter(({ isDone }) => !isDone),
      ...criteria.filter(({ isDone }) => isDone),
    ].map(({ text }) => text),
  };
}

interface Section {
  readonly title: string;
  /** Line of the heading, of the text after it, and the line after the section. */
  readonly heading: number;
  readonly start: number;
  readonly end: number;
}

function listSections(lineCount: number, tokens: MarkdownFile['tokens']): Section[] {
  const starts = [{ title: '', heading: 0, start: 0 }];
  for (const [index, { type, level, tag, map }] of tokens.entries()) {
    if (type !== 'heading_open' || level !== 0 || map === null || Number(tag.slice(1)) > 2) continue;
    starts.push({ title: tokens[index + 1]?.content ?? '', heading: map[0], start: map[1] });
  }
  return starts.map((section, index) => ({ ...section, end: starts[index + 1]?.heading ?? lineCount }));
}

/** The first line of text of each list item between two lines, without check box and number. */
function listItems(tokens: MarkdownFile['tokens'], start: number, end: number): string[] {
  const items: string[] = [];
  let isFirst = false;
  for (const { type, content, map } of tokens) {
    if (map !== null && (map[0] < start || map[0] >= end)) continue;
    if (type === 'list_item_open' && map !== null) isFirst = true;
    if (type !== 'inline' || !isFirst) continue;
    isFirst = false;
    const text = content
      .replace(/^\[.\]\s*/u, '')
      .replace(/^#\d+\s+/, '')
      .replace(/\s*\n\s*/g, ' ')
      .trim();
    if (text !== '') items.push(text);
  }
  return items;
}
