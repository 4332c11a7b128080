/** The standard parts of a task's description. */
export type SectionKind =
  | 'overview'
  | 'objectives'
  | 'activities'
  | 'deliverables'
  | 'technical'
  | 'validation'
  | 'constraints';

export interface TextSection {
  readonly kind: SectionKind;
  /** Its heading, where it has one, and the lines below, as written. */
  readonly text: string;
}

/** Words by which headings are recognised, in the order they are tried: a "Test plan" is no plan. */
const HEADINGS: readonly { readonly kind: SectionKind; readonly pattern: RegExp }[] = [
  {
    kind: 'validation',
    pattern:
      /\b(?:acceptance|validation|verification|definition of done|success criteria|test(?:s|ing)?\b|how to verify|done when)/i,
  },
  {
    kind: 'constraints',
    pattern:
      /\b(?:constraints?|non-?goals?|out of scope|limitations?|do not|don'ts|assumptions?|risks?|guard ?rails?|compatibility)\b/i,
  },
  {
    kind: 'deliverables',
    pattern: /\b(?:deliverables?|outputs?|artifacts?|files to (?:update|change|modify|edit|create|add))\b/i,
  },
  {
    kind: 'technical',
    pattern:
      /\b(?:technical|technology|implementation (?:details|notes|hints)|architecture|design|api|schema|interface|proposed fix|fix|solutions?|approach|locations?|affected files|references?)\b/i,
  },
  {
    kind: 'activities',
    pattern:
      /\b(?:activit(?:y|ies)|steps|sub-?tasks?|tasks?|plan|implementation|work(?: items?)?|to-?dos?|actions?|checklist|phases?)\b/i,
  },
  {
    kind: 'objectives',
    pattern: /\b(?:objectives?|goals?|aims?|purpose|expected|requirements?|scope|what to do)\b/i,
  },
];
/** What only describes, whatever else its heading says. */
const OVERVIEW =
  /\b(?:overview|summary|background|context|motivation|problem|why|current (?:state|behaviou?r)|description|steps to reproduce)\b/i;

/** A longer line is no heading; it would also be long work for the patterns. */
const HEADING_CHARS_MAX = 200;
const ATX_HEADING = /^ {0,3}(#{1,6})[ \t]+(\S.*)$/;
const BOLD_HEADING = /^ {0,3}(?:\*\*([^*]{1,80}?):?\*\*:?|__([^_]{1,80}?):?__:?)[ \t]*$/;
/** Below every `#`. */
const BOLD_LEVEL = 7;
const CODE_FENCE = /^ {0,3}(`{3,}|~{3,})/;

interface OpenSection {
  readonly kind: SectionKind;
  /** 0: no heading; what stands before the first one. */
  readonly level: number;
  /** Its own, below those of empty sections that it lies in. */
  readonly headings: readonly string[];
  readonly lines: string[];
  /** Empty, and its headings stand with the section below. */
  isCarried: boolean;
}

/** "Implementation notes" with nothing below says nothing; "Never touch the old tables" is a sentence. */
const NAME_WORDS_MAX = 3;

/**
 * Splits a description at its headings (Markdown's `#`, or a line that is nothing but bold) and says which of the
 * standard parts each section is. A heading that we don't know is part of the section above it when it is of a
 * lower level, and overview otherwise. Every line that says something is in exactly one section, headings
 * included; only the bare name of a standard part with nothing below it is dropped. Headings within code blocks
 * are none.
 */
export function splitSections(description: string): TextSection[] {
  const sections: OpenSection[] = [{ kind: 'overview', level: 0, headings: [], lines: [], isCarried: false }];
  let current = sections[0] as OpenSection;
  let fence: string | null = null;
  for (const line of description.split('\n')) {
    const mark = CODE_FENCE.exec(line)?.[1];
    if (mark !== undefined) {
      if (fence === null) fence = mark;
      else if (line.trim() === mark && mark.startsWith(fence)) fence = null;
    }
    const heading = fence === null && mark === undefined ? readHeading(line) : null;
    if (heading === null) {
      current.lines.push(line);
      continue;
    }
    const isLower = current.level > 0 && heading.level > current.level;
    const kind = recogniseHeading(heading.title) ?? (isLower ? current.kind : 'overview');
    // A heading right above a lower one says what that one is about: it goes along.
    current.isCarried = isLower && isBlank(current.lines);
    const carried = current.isCarried ? current.headings : [];
    current = { kind, level: heading.level, headings: [...carried, line], lines: [], isCarried: false };
    sections.push(current);
  }
  return sections
    .filter(({ lines, headings, isCarried }) => {
      if (!isBlank(lines)) return true;
      return !isCarried && headings.some((line) => !isBareName(line));
    })
    .map(({ kind, headings, lines }) => ({ kind, text: trimBlankLines([...headings, ...lines]) }));
}

function isBareName(line: string): boolean {
  const { title, level } = readHeading(line) ?? { title: line, level: 0 };
  return (
    level < BOLD_LEVEL && recogniseHeading(title) !== null && title.split(/\s+/).length <= NAME_WORDS_MAX
  );
}

function isBlank(lines: readonly string[]): boolean {
  return lines.every((line) => line.trim() === '');
}

function readHeading(line: string): { title: string; level: number } | null {
  if (line.length > HEADING_CHARS_MAX) return null;
  const atx = ATX_HEADING.exec(line);
  if (atx !== null) return { title: atx[2] ?? '', level: atx[1]?.length ?? 1 };
  const bold = BOLD_HEADING.exec(line);
  const title = bold?.[1] ?? bold?.[2];
  return title === undefined ? null : { title, level: BOLD_LEVEL };
}

function recogniseHeading(title: string): SectionKind | null {
  if (OVERVIEW.test(title)) return 'overview';
  return HEADINGS.find(({ pattern }) => pattern.test(title))?.kind ?? null;
}

function trimBlankLines(lines: readonly string[]): string {
  const first = lines.findIndex((line) => line.trim() !== '');
  return lines.slice(first).join('\n').trimEnd();
}
