import type { AgentFigure } from '@neolith/contracts';
import { sampleBeta } from './sampleBeta.js';

/** What is known of an agent at one type of task. */
export type MeasuredAgent = Pick<
  AgentFigure,
  | 'agent'
  | 'taskType'
  | 'attempts'
  | 'recentSuccesses'
  | 'recentFailures'
  | 'averageDurationMs'
  | 'averageCostUsd'
>;

export interface RankingInput {
  /** In the order in which they are wanted; those that may be used. */
  readonly agents: readonly string[];
  readonly taskType: string;
  /** Of all types: what an agent did elsewhere is where its record begins. */
  readonly figures: readonly MeasuredAgent[];
  readonly costWeight: number;
  readonly durationWeight: number;
  /** How often it was given a task of that type, the answer of which may not be known yet. */
  readonly picked: (agent: string) => number;
  /** In [0, 1). */
  readonly random: () => number;
}

export interface RankedAgent {
  readonly agent: string;
  /** For people. */
  readonly reason: string;
}

/** An agent that was tried less often at a type of task goes first: what is never tried is never known. */
const FIRST_TRIES = 2;
/** What an agent did at other types counts like so many attempts at this one. */
const PRIOR_ATTEMPTS = 2;

/**
 * The agents of a choice, best first: Thompson sampling with discounted counts (Raj and Kalyani, "Taming non-stationary
 * bandits: a Bayesian approach", 2017). The chance of success of each is drawn from the Beta distribution of what is known
 * of it, and divided by cost and time, each against the lowest and to the power of its weight. A good agent draws
 * high nearly always; one of which little is known, or was known long ago, now and then: that is how it is tried again.
 * Pure: the same input and the same random numbers give the same order.
 */
export function rankByFigures(input: RankingInput): RankedAgent[] {
  const { agents, random } = input;
  const records = agents.map((agent, place) => readRecord(agent, place, input));
  const lowestCost = lowest(records.map(({ cost }) => cost));
  const lowestDuration = lowest(records.map(({ duration }) => duration));
  return (
    records
      .map((record) => {
        const chance = sampleBeta(record.alpha, record.beta, random);
        const price =
          relate(record.cost, lowestCost) ** input.costWeight *
          relate(record.duration, lowestDuration) ** input.durationWeight;
        return { ...record, score: chance / price };
      })
      // The order is total: by place last, of which no two have the same.
      .sort(
        (a, b) =>
          Number(b.isNew) - Number(a.isNew) || orderNew(a, b) || b.score - a.score || a.place - b.place,
      )
      .map((record) => ({ agent: record.agent, reason: describe(record, input.taskType) }))
  );
}

interface Scored {
  readonly agent: string;
  readonly place: number;
  readonly alpha: number;
  readonly beta: number;
  readonly cost: number | null;
  readonly duration: number | null;
  readonly attempts: number;
  readonly tries: number;
  /** Null: nothing recent. */
  readonly share: number | null;
  readonly isNew: boolean;
}

function readRecord(agent: string, place: number, { figures, taskType, picked }: RankingInput): Scored {
  const own = figures.find((one) => one.agent === agent && one.taskType === taskType);
  const elsewhere = figures.filter((one) => one.agent === agent && one.taskType !== taskType);
  const good = sum(elsewhere.map(({ recentSuccesses }) => recentSuccesses));
  const bad = sum(elsewhere.map(({ recentFailures }) => recentFailures));
  // Of an agent of which nothing is known at all this is Beta(1, 1): any chance is as likely as any other.
  const mean = (good + 1) / (good + bad + 2);
  const successes = own?.recentSuccesses ?? 0;
  const failures = own?.recentFailures ?? 0;
  const attempts = own?.attempts ?? 0;
  // Those that have ended are in both.
  const tries = Math.max(attempts, picked(agent));
  return {
    agent,
    place,
    alpha: successes + PRIOR_ATTEMPTS * mean,
    beta: failures + PRIOR_ATTEMPTS * (1 - mean),
    cost: own?.averageCostUsd ?? null,
    duration: own?.averageDurationMs ?? null,
    attempts,
    tries,
    share: successes + failures === 0 ? null : successes / (successes + failures),
    isNew: tries < FIRST_TRIES,
  };
}

/** Among those that are hardly known, the one that was tried least. */
function orderNew(a: Scored, b: Scored): number {
  return a.isNew && b.isNew ? a.tries - b.tries || a.place - b.place : 0;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}

function lowest(numbers: readonly (number | null)[]): number | null {
  const known = numbers.filter((one): one is number => one !== null && one > 0);
  return known.length === 0 ? null : Math.min(...known);
}

/** Of what nobody knows nothing is held against anybody. */
function relate(value: number | null, least: number | null): number {
  return value === null || least === null ? 1 : Math.max(1, value / least);
}

function describe({ attempts, share, cost, duration, isNew }: Scored, taskType: string): string {
  if (share === null) return `not measured at ${taskType} yet`;
  const facts = [
    `${Math.round(share * 100)} % of ${attempts} at ${taskType}`,
    ...(duration === null ? [] : [`${Math.round(duration / 1_000)} s`]),
    ...(cost === null ? [] : [`$${cost.toFixed(2)}`]),
    ...(isNew ? ['hardly tried'] : []),
  ];
  return facts.join(', ');
}
