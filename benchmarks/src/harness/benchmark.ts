import type { PostgresServer } from './postgresServer.js';
import type { RedisServer } from './redisServer.js';

/** One row of the table of aims: what it measures, and how. */
export interface Benchmark {
  /** As on the command line, and as its page is called. */
  readonly name: string;
  readonly title: string;
  /** What an operation is, what each contestant does for it, and what is left out. Markdown. */
  readonly about: string;
  /** Part of the subset that runs with the checks: plan shapes, and ratios with slack, in seconds. */
  readonly quick?: boolean;
  /** What its figures are medians of, where that is not so many interleaved rounds throughout. */
  describeRounds?(rounds: number): string;
  run(setting: Setting): Promise<Outcome>;
}

/** What a benchmark is given. Servers are its own and end with it. */
export interface Setting {
  /** Counted rounds; each contestant has one more before them, which warms caches and plans. */
  readonly rounds: number;
  /** The small sizes of the quick subset. */
  readonly quick: boolean;
  /** An empty folder that goes when the benchmark ends. */
  readonly directory: string;
  /** Says how far it is, on standard error. */
  say(line: string): void;
  /** A PostgreSQL of its own, with the settings of `neolith start`: durable unless told otherwise. */
  startPostgres(settings?: Readonly<Record<string, string | number>>): Promise<PostgresServer>;
  /** A Redis of its own; null where no redis-server is installed. */
  startRedis(persistence: 'none' | 'appendfsync always'): Promise<RedisServer | null>;
}

export interface Outcome {
  readonly tables: readonly Table[];
  readonly verdicts: readonly Verdict[];
  /** What was left out and why, what limits it, where the time goes. Markdown, one paragraph each. */
  readonly notes?: readonly string[];
}

/** Samples of several contestants at several points: medians with their spread in print, lines or bars in the plot. */
export interface Table {
  readonly title: string;
  readonly unit: string;
  /** What the points are: `in flight`, `open tasks`. */
  readonly along: string;
  readonly points: readonly (string | number)[];
  readonly rows: readonly { readonly name: string; readonly samples: readonly (readonly number[])[] }[];
  readonly plot?: 'lines' | 'bars' | 'none';
  readonly logarithmic?: boolean;
}

/** A ratio (or a figure) beside its aim. */
export interface Verdict {
  readonly what: string;
  readonly value: number;
  readonly unit?: string;
  /** Null: printed for information. */
  readonly aim: { readonly at: 'least' | 'most'; readonly bound: number } | null;
}

export function isMet(verdict: Verdict): boolean | null {
  if (verdict.aim === null) return null;
  return verdict.aim.at === 'least' ? verdict.value >= verdict.aim.bound : verdict.value <= verdict.aim.bound;
}
