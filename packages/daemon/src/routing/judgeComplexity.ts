import { findFilePaths } from './findFilePaths.js';
import { readText, readTitle, type TaskText } from './taskText.js';
import type { Complexity, TaskType } from './taskType.js';

export interface ComplexityJudgement {
  readonly complexity: Complexity;
  /** Why, in words; never empty. */
  readonly reasons: readonly string[];
}

/** Points from which a task counts as medium, and as high. */
const MEDIUM_AT = 2;
const HIGH_AT = 5;

const HARD_WORDS: readonly { readonly pattern: RegExp; readonly points: number }[] = [
  {
    pattern: /\b(?:race conditions?|concurren(?:cy|t)|deadlocks?|distributed|transaction(?:al|s)?)\b/i,
    points: 1.5,
  },
  {
    pattern: /\b(?:architecture|rewrite|from scratch|protocol|parser|compiler|state machine)\b/i,
    points: 1.5,
  },
  {
    pattern: /\b(?:migrations?|migrate|backwards? compatib\w{2,5}|breaking change|schema change)\b/i,
    points: 1,
  },
  {
    pattern: /\b(?:security|authenticat\w{2,4}|authori[sz]ation|encrypt\w{0,4}|cryptograph\w{1,4})\b/i,
    points: 1,
  },
  {
    pattern:
      /\b(?:across all|every (?:command|surface|call site)|comprehensive|end-to-end|cross-\w{3,12})\b/i,
    points: 1,
  },
  { pattern: /\b(?:performance|scal(?:e|ing|ability)|latency|memory leak)\b/i, points: 0.5 },
];
const EASY_WORDS =
  /\b(?:typos?|wording|one-liner?|rename|bump|copy change|comment|small|minor|trivial|label|colou?r)\b/i;

/**
 * How hard a task is likely to be. An estimate, where there is one, decides most; else the number of criteria
 * and of files, the length of the text, and words that seldom come with easy work. Pure.
 */
export function judgeComplexity(task: TaskText, type: TaskType): ComplexityJudgement {
  const reasons: string[] = [];
  let points = 0;
  const add = (more: number, why: string) => {
    points += more;
    reasons.push(`${why} (${more > 0 ? '+' : '−'}${Math.abs(more)})`);
  };

  const { estimateMinutes: minutes } = task;
  if (minutes !== null) {
    if (minutes > 960) add(5, `estimated at ${Math.round(minutes / 60)} hours`);
    else if (minutes > 240) add(3, `estimated at ${Math.round(minutes / 60)} hours`);
    else if (minutes > 90) add(1, `estimated at ${minutes} minutes`);
    else add(-2, `estimated at ${minutes} minutes`);
  }
  const criteria = task.acceptanceCriteria.length;
  if (criteria >= 9) add(2, `${criteria} acceptance criteria`);
  else if (criteria >= 5) add(1, `${criteria} acceptance criteria`);

  const text = readText(task);
  const files = findFilePaths(text).length;
  if (files >= 8) add(2, `${files} files are named`);
  else if (files >= 3) add(1, `${files} files are named`);

  const length = (task.description ?? '').length;
  if (length >= 3_000) add(1.5, `a description of ${length} characters`);
  else if (length >= 1_000) add(0.5, `a description of ${length} characters`);

  for (const { pattern, points: more } of HARD_WORDS) {
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) add(more, `the text speaks of ${JSON.stringify(found.toLowerCase())}`);
  }
  const easy = EASY_WORDS.exec(readTitle(task))?.[0];
  if (easy !== undefined) add(-1.5, `the title speaks of ${JSON.stringify(easy.toLowerCase())}`);
  if (type === 'docs' || type === 'chore') add(-1, `${type} is seldom hard`);

  const complexity = points >= HIGH_AT ? 'high' : points >= MEDIUM_AT ? 'medium' : 'low';
  return {
    complexity,
    reasons: reasons.length > 0 ? reasons : ['nothing speaks for more than a small change'],
  };
}
