import { ERROR_STATUS, isNeolithError, type NeolithError } from '@neolith/contracts';
import type { Pool } from 'pg';
import type { WorkEngine } from '../../src/index.js';
import { type EventFact, type Facts, readFacts } from './facts.js';
import type { Random } from './random.js';
import { findBreaches, History, type Moment } from './rules.js';
import type { Story } from './story.js';
import type { Tally } from './tally.js';

/** One thing that somebody does to the engine. */
export interface Action {
  who: string;
  /** What it is counted as. */
  kind: string;
  /** Tells the story; ids in it become ordinals. */
  what: string;
  call(engine: WorkEngine): Promise<unknown>;
  /** Of the answer, what the story tells. */
  show?(answer: never): string;
  /** What is wrong with the outcome; beside the rules that hold for every step. */
  judge?(moment: Moment, outcome: Outcome): string[];
}

export type Outcome =
  | { ok: true; answer: unknown; error: null }
  | { ok: false; answer: null; error: NeolithError };

/** A rule was broken, or something was thrown that nobody should see. */
export class Breach extends Error {}

/** Before every event. */
const NOTHING_YET = { xid: '0', seq: '0' };

/** Giving way in a deadlock is noted, and ends an attempt without expiry; every other refusal changes nothing. */
const CHANGES_THOUGH_REFUSED = 'RESOURCE_DEADLOCK';

/** One workspace, its time, and what is known of it. Everything happens one after another. */
export class World {
  facts: Facts;
  /** Milliseconds; the engine's only time. */
  now: number;
  /** In some stories attempts ask for more all the time, and for the same few things: deadlocks are at home there. */
  readonly isContended: boolean;
  /** In some agents fail at everything, one after the other: breakers open there. */
  readonly isSickly: boolean;
  /** Faults are injected while it is true. */
  stormy = true;
  step = 0;
  readonly #history = new History();
  #last = NOTHING_YET;
  readonly #begun: number;

  private constructor(
    readonly engine: WorkEngine,
    readonly random: Random,
    readonly story: Story,
    readonly tally: Tally,
    readonly pool: Pool,
    readonly workspace: string,
    clock: { now: number },
    facts: Facts,
  ) {
    this.facts = facts;
    this.now = clock.now;
    this.#begun = clock.now;
    this.#clock = clock;
    this.isContended = random.chance(0.2);
    this.isSickly = random.chance(0.2);
  }
  readonly #clock: { now: number };

  static async open(parts: {
    engine: WorkEngine;
    random: Random;
    story: Story;
    tally: Tally;
    pool: Pool;
    workspace: string;
    clock: { now: number };
  }): Promise<World> {
    const { facts } = await readFacts(parts.pool, parts.workspace, NOTHING_YET);
    return new World(
      parts.engine,
      parts.random,
      parts.story,
      parts.tally,
      parts.pool,
      parts.workspace,
      parts.clock,
      facts,
    );
  }

  pass(milliseconds: number): void {
    this.now += milliseconds;
    this.#clock.now = this.now;
  }

  /** Does it, tells it, and judges what came of it. */
  async perform(action: Action): Promise<Outcome> {
    this.step += 1;
    this.tally.steps += 1;
    const before = this.facts;
    const outcome = await this.#attempt(action);
    const { facts, events } = await readFacts(this.pool, this.workspace, this.#last);
    this.facts = facts;
    const last = events[events.length - 1];
    if (last !== undefined) this.#last = { xid: last.xid, seq: last.seq };
    this.#tell(action, outcome, events);
    for (const { type } of events) this.tally.count(this.tally.events, type);

    const moment: Moment = { before, after: this.facts, events, now: this.now };
    const breaches = [
      ...findBreaches(moment),
      ...this.#history.follow(events, this.facts),
      ...(outcome.ok || outcome.error.code === CHANGES_THOUGH_REFUSED
        ? []
        : changesOf(moment).map((change) => `refused with ${outcome.error.code}, but ${change}`)),
      ...(action.judge?.(moment, outcome) ?? []),
    ];
    if (breaches.length > 0) throw this.breach(breaches);
    return outcome;
  }

  breach(breaches: readonly string[]): Breach {
    for (const breach of breaches) this.story.tell(`!! ${breach}`);
    return new Breach(this.story.tail(breaches.length));
  }

  async #attempt(action: Action): Promise<Outcome> {
    try {
      const answer = await action.call(this.engine);
      this.tally.count(this.tally.done, action.kind);
      return { ok: true, answer, error: null };
    } catch (error) {
      if (!isNeolithError(error) || ![404, 409].includes(ERROR_STATUS[error.code])) {
        this.story.tell(`${this.#time()} ${action.who}: ${action.what} → ${String(error)}`);
        if (isStarved(error)) throw error;
        throw new Breach(`${action.what} threw ${error instanceof Error ? error.stack : String(error)}`, {
          cause: error,
        });
      }
      this.tally.count(this.tally.refused, action.kind);
      this.tally.count(this.tally.codes, error.code);
      return { ok: false, answer: null, error };
    }
  }

  #time(): string {
    return `${this.step} +${((this.now - this.#begun) / 1_000).toFixed(0)}s`;
  }

  #tell(action: Action, outcome: Outcome, events: readonly EventFact[]): void {
    const shown = outcome.ok
      ? (action.show?.(outcome.answer as never) ?? 'ok')
      : `refused ${outcome.error.code}`;
    this.story.tell(`${this.#time()} ${action.who}: ${action.what} → ${shown}`);
    for (const { type, task, run, attempt, from, to } of events) {
      const whose = [
        ...(task === null ? [] : [this.story.name('task', task)]),
        ...(task === null && run !== null ? [this.story.name('run', run)] : []),
        ...(attempt === null ? [] : [this.story.name('att', attempt)]),
      ];
      this.story.tell(`    ${whose.join(' ')} ${type}${to === null ? '' : ` ${from ?? ''} → ${to}`}`);
    }
  }
}

/** The machine is too busy to answer in time: that says nothing about the rules, and the story is told again. */
export function isStarved(error: unknown): boolean {
  if (isNeolithError(error)) return error.code === 'DATABASE_UNAVAILABLE';
  return (
    error instanceof Error &&
    /timeout exceeded when trying to connect|Transaction API error/.test(error.message)
  );
}

/** Whatever a step changed that it must not change. */
export function changesOf({ before, after, events }: Moment): string[] {
  const changed = (Object.keys(before) as (keyof Facts)[]).filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  );
  return [
    ...changed.map(
      (name) => `${name} changed: ${JSON.stringify(before[name])} became ${JSON.stringify(after[name])}`,
    ),
    ...events.map(({ type }) => `${type} was told`),
  ];
}
