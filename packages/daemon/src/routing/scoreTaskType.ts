import { findFilePaths } from './findFilePaths.js';
import { readDeclaredType } from './readDeclaredType.js';
import { readBody, readText, readTitle, type TaskText } from './taskText.js';
import { DECLARED_TYPES, TASK_TYPES, type TaskType } from './taskType.js';
import { TYPE_CUES } from './typeCues.js';

export interface TypeScore {
  readonly type: TaskType;
  /** From 0 to 1; 0 when nothing spoke for any type. */
  readonly confidence: number;
  /** What spoke for which type, heaviest first. */
  readonly evidence: readonly string[];
}

const DECLARED_WEIGHT = 8;
const TAG_WEIGHT = 3;
const PREFIX_WEIGHT = 6;
/** At most; one point a file. */
const PATHS_WEIGHT = 2.5;
const OPENING_CHARS = 700;
/** A long description is full of words: all of it together may not outweigh what the title says. */
const BODY_WEIGHT_MAX = 5;
/** How much evidence makes one sure: at this sum of weights the confidence reaches two thirds of its share. */
const SURE_AT = 3;

/** Of titles that follow the convention for commits. */
const COMMIT_PREFIX = /^(\w{2,12})(?:\([^)]{1,40}\))?!?:\s/;
/** A place or a mark before the title proper: `CLI: `, `P1: `, `[web] `, `GH#405: `. */
const TITLE_MARK = /^(?:\[[^\]]{1,30}\]\s{0,4}|[\w#&/.+ -]{1,24}:\s{1,4})/;

interface Vote {
  readonly type: TaskType;
  readonly weight: number;
  readonly why: string;
  readonly isBody: boolean;
}

/** Weighs everything that a task says and names the type that most speaks for. Pure. */
export function scoreTaskType(task: TaskText): TypeScore {
  const votes = [
    ...voteByDeclaration(task),
    ...voteByTags(task.tags),
    ...voteByPrefix(readTitle(task)),
    ...voteByCues(task),
    ...voteByPaths(task),
  ];
  const sums = sumVotes(votes);
  const total = TASK_TYPES.reduce((sum, type) => sum + sums[type], 0);
  if (total === 0) {
    return {
      type: 'feature',
      confidence: 0,
      evidence: ['Nothing in the text says what kind of work this is; a feature is assumed.'],
    };
  }
  const type = TASK_TYPES.reduce((best, next) => (sums[next] > sums[best] ? next : best));
  const confidence = (sums[type] / total) * (1 - Math.exp(-sums[type] / SURE_AT));
  return {
    type,
    confidence: Math.round(confidence * 100) / 100,
    evidence: votes
      .toSorted((a, b) => Number(b.type === type) - Number(a.type === type) || b.weight - a.weight)
      .map(({ type: of, weight, why }) => `${of}: ${why} (+${weight})`),
  };
}

function sumVotes(votes: readonly Vote[]): Record<TaskType, number> {
  const sums = Object.fromEntries(TASK_TYPES.map((type) => [type, 0])) as Record<TaskType, number>;
  const bodies = { ...sums };
  for (const { type, weight, isBody } of votes) (isBody ? bodies : sums)[type] += weight;
  for (const type of TASK_TYPES) sums[type] += Math.min(bodies[type], BODY_WEIGHT_MAX);
  return sums;
}

function voteByDeclaration(task: TaskText): Vote[] {
  const declared = readDeclaredType(task.metadata);
  if (declared === null) return [];
  return [vote(declared.type, DECLARED_WEIGHT, `the plan calls it ${JSON.stringify(declared.word)}`)];
}

/** One vote a type: five tags that mean the same are not five reasons. */
function voteByTags(tags: readonly string[]): Vote[] {
  const votes = new Map<TaskType, Vote>();
  for (const tag of tags) {
    const type = DECLARED_TYPES.get(tag.trim().toLowerCase());
    if (type !== undefined && !votes.has(type)) votes.set(type, vote(type, TAG_WEIGHT, `tag ${show(tag)}`));
  }
  return [...votes.values()];
}

function voteByPrefix(title: string): Vote[] {
  const prefix = COMMIT_PREFIX.exec(title)?.[1] ?? '';
  const type = DECLARED_TYPES.get(prefix.toLowerCase());
  return type === undefined ? [] : [vote(type, PREFIX_WEIGHT, `the title's mark ${show(`${prefix}:`)}`)];
}

function voteByCues(task: TaskText): Vote[] {
  const title = readTitle(task).replace(/^[^\p{L}\p{N}[]{1,8}/u, '');
  const body = readBody(task);
  // With and without its mark: `Code review: …` begins with what it is, `CLI: add …` does not.
  const heads = [title, title.replace(TITLE_MARK, '')];
  const texts = { title: [title], opening: [body.slice(0, OPENING_CHARS)], body: [body], head: heads };
  const votes: Vote[] = [];
  for (const { type, place, pattern, weight } of TYPE_CUES) {
    for (const text of texts[place]) {
      const found = pattern.exec(text)?.[0];
      if (found === undefined) continue;
      const isBody = place === 'opening' || place === 'body';
      const where = isBody ? 'the text says' : place === 'head' ? 'the title begins with' : 'the title says';
      votes.push({ type, weight, why: `${where} ${show(found)}`, isBody });
      break;
    }
  }
  return votes;
}

const TEST_PATH = /(?:^|\/)(?:tests?|__tests__|spec|e2e)\/|[._-](?:test|spec)\.\w{1,4}$|_test\.go$/i;
const DOCS_PATH = /\.(?:mdx?|rst|adoc)$|(?:^|\/)docs?\//i;
const INFRA_PATH = /(?:^|\/)\.github\/|(?:^|\/)Dockerfile$|docker-compose|\.tf$|\.nix$|(?:^|\/)Makefile$/i;

/** Speaks only where nearly all files are of one kind: any fix may name its test. */
function voteByPaths(task: TaskText): Vote[] {
  const paths = findFilePaths(readText(task));
  if (paths.length === 0) return [];
  const kinds = [
    ['test', TEST_PATH, 'tests'],
    ['docs', DOCS_PATH, 'documents'],
    ['infra', INFRA_PATH, 'build and deployment'],
  ] as const;
  for (const [type, pattern, what] of kinds) {
    const count = paths.filter((path) => pattern.test(path)).length;
    if (count / paths.length < 0.8) continue;
    return [
      vote(type, Math.min(count, PATHS_WEIGHT), `${count} of the ${paths.length} files it names are ${what}`),
    ];
  }
  return [];
}

function vote(type: TaskType, weight: number, why: string): Vote {
  return { type, weight, why, isBody: false };
}

/** A piece of foreign text in a sentence of ours: quoted, on one line, short. */
function show(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return JSON.stringify(line.length > 40 ? `${line.slice(0, 39)}…` : line);
}
