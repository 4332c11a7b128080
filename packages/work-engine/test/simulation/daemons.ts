import { formatId, parseId } from '@neolith/contracts';
import type {
  AcquireResult,
  ClaimResult,
  Criteria,
  Execution,
  MergeTurn,
  Permit,
  Renewal,
  Settlement,
} from '../../src/index.js';
import { type Ending, judgeEnding } from './endings.js';
import { NAMES } from './globs.js';
import { chooseBest } from './naive.js';
import type { Answer, Network } from './network.js';
import { type Action, changesOf, type World } from './world.js';

/** What a daemon believes of an attempt; it may be wrong. */
interface Work {
  attempt: string;
  task: string;
  stage: 'working' | 'merging' | 'granted';
  cancelling: boolean;
  gaveWay: boolean;
  probe: boolean;
  logged: number;
}

const bare = (kind: 'orchestrator' | 'task' | 'attempt', id: string) => parseId(kind, id) as string;
const PRIORITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'] as const;
const LEASES = [10, 30, 30, 120] as const;
const HOUR_MS = 3_600_000;

/** One daemon: claims, works, reports, dies. It decides by the story's dice alone, and knows only what it was answered. */
export class Daemon {
  id: string | null = null;
  readonly work: Work[] = [];
  dead = false;
  pausedUntil = 0;
  /** Nobody answered: the very same call again. */
  #again: (() => Promise<void>) | null = null;
  #requests = 0;
  /** Its own clock is wrong by so much. */
  readonly skewMs: number;
  readonly provider: string;

  constructor(
    readonly world: World,
    readonly network: Network,
    readonly name: string,
    readonly orchestrators: readonly string[],
    readonly agent: string,
    readonly max: number,
    /** Orchestrator and request → the attempts that it was answered with at first; of all daemons. */
    readonly answers: Map<string, string>,
  ) {
    this.skewMs = world.random.int(4 * HOUR_MS) - 2 * HOUR_MS;
    this.provider = `provider of ${agent}`;
  }

  get canAct(): boolean {
    return !this.dead && this.world.now >= this.pausedUntil;
  }

  async register(): Promise<void> {
    const outcome = await this.world.perform({
      who: this.name,
      kind: 'register',
      what: 'registers',
      call: (engine) =>
        engine.registerDaemon({
          name: this.name,
          host: 'host',
          version: '1',
          slots: this.max,
          agents: [this.agent],
          orchestratorIds: this.orchestrators.map((id) => formatId('orchestrator', id)),
        }),
    });
    if (outcome.ok) this.id = (outcome.answer as { id: string }).id;
  }

  /** Does one thing. `isSick`: its agent fails at everything. */
  /** As claims tell daemons: then it asks before it uses its agent. */
  #isHeld(): boolean {
    return this.world.facts.breakers.some(
      ({ agent, provider, status }) =>
        agent === this.agent && provider === this.provider && status !== 'closed',
    );
  }

  async act(isSick: boolean): Promise<void> {
    const { random } = this.world;
    const again = this.#again;
    if (again !== null && random.chance(0.75)) {
      this.#again = null;
      this.world.tally.count(this.world.tally.faults, 'asked again without an answer');
      return again();
    }
    const busy = this.work.length;
    const choice = random.weighted({
      claim: busy < this.max && this.#seesWork() ? 9 : 0.7,
      renew: busy > 0 ? 4 : 0,
      progress: busy > 0 ? 1 : 0,
      log: busy > 0 ? 0.7 : 0,
      acquire: busy > 0 ? (this.world.isContended ? 12 : 2) : 0,
      permit: busy > 0 ? (this.#isHeld() ? 20 : isSick ? 3 : 0.8) : 0,
      end: busy > 0 ? (this.world.isContended ? 4 : 10) : 0,
      start: 0.7,
    });
    switch (choice) {
      case 'claim':
        return this.claim(1 + random.int(3), this.#someCriteria());
      case 'renew':
        return this.renew();
      case 'start':
        return this.start();
      default: {
        const work = random.pick(this.work) as Work;
        if (choice === 'progress') return this.progress(work);
        if (choice === 'log') return this.log(work);
        if (choice === 'acquire') return this.acquire(work);
        if (choice === 'permit') return this.permit(work);
        return this.goOn(work, isSick);
      }
    }
  }

  /** Mostly it asks where something may be had, so that stories have more in them than vain questions. */
  #seesWork(): boolean {
    return this.world.facts.places.some(({ place }) => place === 'ready');
  }

  async #send(action: Action, learn: (answer: NonNullable<Answer>) => void): Promise<void> {
    const answer = await this.network.send(action);
    if (answer !== null) learn(answer);
    else this.#again = () => this.#send(action, learn);
  }

  #someCriteria(): Criteria {
    const { random, facts } = this.world;
    const run = random.pick(facts.runs);
    return {
      ...(run !== undefined && random.chance(0.1) ? { runId: formatId('run', run.id) } : {}),
      ...(random.chance(0.06) ? { requireTags: ['api'] } : {}),
      ...(random.chance(0.06) ? { excludeTags: ['web'] } : {}),
      ...(random.chance(0.06) ? { minPriority: random.pick(PRIORITIES) } : {}),
    };
  }

  async claim(max: number, criteria: Criteria, onlyOf?: string): Promise<void> {
    const { world } = this;
    const orchestrator = onlyOf ?? (world.random.pick(this.orchestrators) as string);
    this.#requests += 1;
    const requestId = `${this.name}-${this.#requests}`;
    const leaseSeconds = world.random.pick(LEASES) ?? 30;
    const key = `${orchestrator} ${requestId}`;
    await this.#send(
      {
        who: this.name,
        kind: 'claim',
        what: `claims ${max} of ${formatId('orchestrator', orchestrator)} as ${requestId}${JSON.stringify(criteria) === '{}' ? '' : ` ${JSON.stringify(criteria)}`}`,
        call: (engine) =>
          engine.claimNextTask(formatId('orchestrator', orchestrator), {
            ...{ max, criteria, requestId, leaseSeconds, agent: this.agent },
            ...(this.id === null ? {} : { daemonId: this.id }),
          }),
        show: ({ claims, reason }: ClaimResult) =>
          claims.map(({ task, attempt }) => `${task.id}/${attempt.id}`).join(' ') || String(reason),
        judge: (moment, outcome) => {
          if (!outcome.ok) return [`a claim was refused with ${outcome.error.code}`];
          const { claims } = outcome.answer as ClaimResult;
          const attempts = claims.map(({ attempt }) => attempt.id).join(' ');
          const first = this.answers.get(key);
          if (first !== undefined)
            return [
              ...(first === attempts
                ? []
                : [`${requestId} was answered with ${first}, and now with ${attempts}`]),
              ...changesOf(moment).map((change) => `${requestId} was answered before, and ${change}`),
            ];
          // A claim that got nothing is not remembered: the same again may get something.
          if (claims.length > 0) this.answers.set(key, attempts);
          const best = chooseBest(moment.before, { orchestrator, max, criteria, now: moment.now });
          const taken = claims.map(({ task }) => bare('task', task.id));
          return best.join() === taken.join()
            ? []
            : [`the best were ${best.join(', ') || 'none'}, and taken were ${taken.join(', ') || 'none'}`];
        },
      },
      (answer) => {
        if (!answer.ok) return;
        for (const { task, attempt } of (answer.answer as ClaimResult).claims)
          if (attempt.status === 'RUNNING') this.#take(attempt.id, task.id);
      },
    );
  }

  #take(attemptId: string, taskId: string): void {
    const attempt = bare('attempt', attemptId);
    if (this.work.some((one) => one.attempt === attempt)) return;
    this.work.push({
      ...{ attempt, task: bare('task', taskId), stage: 'working' },
      ...{ cancelling: false, gaveWay: false, probe: false, logged: 0 },
    });
  }

  #drop(work: Work): void {
    const place = this.work.indexOf(work);
    if (place >= 0) this.work.splice(place, 1);
  }

  /** What a refusal says of an attempt; a few daemons don't listen, and go on. */
  #heed(work: Work, answer: NonNullable<Answer>): void {
    if (answer.ok) return;
    if (answer.error.code === 'RESOURCE_DEADLOCK') work.gaveWay = true;
    if (!['LEASE_LOST', 'ATTEMPT_NOT_FOUND'].includes(answer.error.code)) return;
    if (this.world.stormy && this.world.random.chance(0.3)) return;
    this.#drop(work);
  }

  /** Somebody starts a task by its name, here. */
  async start(): Promise<void> {
    const { world } = this;
    const todo = world.facts.tasks.filter(({ status }) => status === 'TODO');
    const task = world.random.pick(world.random.chance(0.9) ? todo : world.facts.tasks);
    if (task?.orchestrator == null) return;
    const orchestrator = task.orchestrator;
    const leaseSeconds = world.random.chance(0.4) ? null : 30;
    const outcome = await world.perform({
      who: this.name,
      kind: 'start by name',
      what: `starts ${formatId('task', task.id)} (lease ${leaseSeconds})`,
      call: (engine) =>
        engine.executeTask(formatId('orchestrator', orchestrator), formatId('task', task.id), {
          leaseSeconds,
          agent: this.agent,
        }),
      show: (execution: Execution) => (execution.status === 'in_progress' ? execution.attemptId : `blocked`),
    });
    if (!outcome.ok) return;
    const execution = outcome.answer as Execution;
    if (execution.status === 'in_progress') this.#take(execution.attemptId, execution.taskId);
  }

  async renew(): Promise<void> {
    const { world } = this;
    const attempts = this.work.map(({ attempt }) => attempt);
    await this.#send(
      {
        who: this.name,
        kind: 'renew',
        what: `renews ${attempts.map((id) => formatId('attempt', id)).join(' ')}`,
        call: async (engine): Promise<Renewal[]> => {
          const ids = attempts.map((id) => formatId('attempt', id));
          return this.id === null
            ? [await engine.renewLease(ids[0] as string)]
            : engine.heartbeatDaemon(this.id, { attemptIds: ids });
        },
        show: (renewals: Renewal[]) =>
          renewals
            .map(({ owned, cancelRequested, gaveWay }) =>
              !owned ? 'lost' : cancelRequested ? 'cancel' : gaveWay ? 'gave way' : 'owned',
            )
            .join(' '),
        judge: ({ before, after, now }, outcome) =>
          outcome.ok
            ? (outcome.answer as Renewal[]).flatMap(({ attemptId, owned, gaveWay }) => {
                const id = bare('attempt', attemptId);
                const held = before.leases.find(({ attempt }) => attempt === id);
                const lease = after.leases.find(({ attempt }) => attempt === id);
                if ((held !== undefined) !== owned)
                  return [`${attemptId} was told that it owns its task: ${owned}`];
                const refused = before.waits.some((wait) => wait.attempt === id && wait.refused);
                if (refused !== gaveWay) return [`${attemptId} was told that it gave way: ${gaveWay}`];
                if (gaveWay)
                  return lease?.expires === held?.expires
                    ? []
                    : [`${attemptId} gave way, and its lease was renewed`];
                return lease !== undefined && lease.expires !== null && lease.expires <= now
                  ? [`${attemptId} was renewed until the past`]
                  : [];
              })
            : [],
      },
      (answer) => {
        if (!answer.ok) return;
        for (const { attemptId, owned, cancelRequested, gaveWay } of answer.answer as Renewal[]) {
          const work = this.work.find(({ attempt }) => attempt === bare('attempt', attemptId));
          if (work === undefined) continue;
          if (!owned && !(world.stormy && world.random.chance(0.3))) this.#drop(work);
          work.cancelling = cancelRequested;
          work.gaveWay = gaveWay;
        }
      },
    );
  }

  async progress(work: Work): Promise<void> {
    const progress = this.world.random.int(100);
    await this.#send(
      {
        who: this.name,
        kind: 'progress',
        what: `reports ${progress} % of ${formatId('task', work.task)} as ${formatId('attempt', work.attempt)}`,
        call: (engine) =>
          engine.updateTaskProgress({
            taskId: formatId('task', work.task),
            attemptId: formatId('attempt', work.attempt),
            progress,
          }),
        judge: ({ before }, outcome) =>
          outcome.ok && !before.leases.some(({ attempt }) => attempt === work.attempt)
            ? [`${work.attempt} owns nothing, and its progress was taken`]
            : [],
      },
      (answer) => this.#heed(work, answer),
    );
  }

  async log(work: Work): Promise<void> {
    work.logged += 1;
    const sequence = work.logged;
    await this.#send(
      {
        who: this.name,
        kind: 'log',
        what: `logs ${sequence} of ${formatId('attempt', work.attempt)}`,
        call: (engine) =>
          engine.appendAttemptLog(formatId('attempt', work.attempt), {
            sequence,
            entries: [{ stream: 'stdout', text: `line ${sequence}` }],
          }),
      },
      (answer) => this.#heed(work, answer),
    );
  }

  /** Asks for more resources; two that ask in opposite order wait for each other. */
  async acquire(work: Work): Promise<void> {
    const { random } = this.world;
    const few = this.world.isContended ? NAMES.slice(0, 3) : NAMES;
    const names = new Set(Array.from({ length: 1 + random.int(2) }, () => random.pick(few) as string));
    const resources = [...names].map((name) => `${random.chance(0.25) ? 'shared' : 'exclusive'} ${name}`);
    await this.#send(
      {
        who: this.name,
        kind: 'acquire',
        what: `asks for ${resources.join(', ')} as ${formatId('attempt', work.attempt)}`,
        call: (engine) => engine.acquireResources(formatId('attempt', work.attempt), { resources }),
        show: ({ granted }: AcquireResult) => (granted ? 'granted' : 'waits'),
      },
      (answer) => {
        this.#heed(work, answer);
        // It goes on waiting: asking for the same again keeps the place.
        if (answer.ok && !(answer.answer as AcquireResult).granted && random.chance(0.5)) this.#again = null;
      },
    );
  }

  async permit(work: Work): Promise<void> {
    await this.#send(
      {
        who: this.name,
        kind: 'permit',
        what: `asks for a permit of ${this.agent} as ${formatId('attempt', work.attempt)}`,
        call: (engine) =>
          engine.requestPermit({
            agent: this.agent,
            provider: this.provider,
            attemptId: formatId('attempt', work.attempt),
          }),
        show: ({ granted, probe, status }: Permit) =>
          `${granted ? 'granted' : 'not granted'}${probe ? ', the probe' : ''}: ${status}`,
        judge: ({ before, after, now }, outcome) => {
          if (!outcome.ok) return [];
          const { granted, probe } = outcome.answer as Permit;
          const find = ({ breakers }: typeof before) =>
            breakers.find(({ agent, provider }) => agent === this.agent && provider === this.provider);
          const [was, is] = [find(before), find(after)];
          return [
            ...(granted && was?.status === 'open' && (was.until === null || was.until > now)
              ? [`a permit was granted while the breaker is open until ${was.until}`]
              : []),
            ...(!granted && (was === undefined || was.status === 'closed')
              ? ['a closed breaker refused a permit']
              : []),
            ...(probe && is?.probe !== work.attempt ? [`${work.attempt} is the probe, and isn't`] : []),
            ...(granted && is?.status === 'half_open' && is.probe !== work.attempt
              ? [`${work.attempt} was let through beside the probe ${is.probe}`]
              : []),
          ];
        },
      },
      (answer) => {
        this.#heed(work, answer);
        if (!answer.ok) return;
        const { granted, probe, retryAt } = answer.answer as Permit;
        work.probe = probe;
        if (probe) this.world.tally.count(this.world.tally.done, 'let through as the probe');
        if (!granted && retryAt !== null) this.#giveBack = { work, until: retryAt };
      },
    );
    const held = this.#giveBack;
    this.#giveBack = null;
    if (held !== null) await this.end(held.work, { result: 'released' }, held.until);
  }
  #giveBack: { work: Work; until: Date } | null = null;

  /** The next thing that is to do with an attempt, or its end. */
  async goOn(work: Work, isSick: boolean): Promise<void> {
    const { random } = this.world;
    if (work.cancelling && random.chance(0.8)) return this.end(work, { result: 'cancelled' });
    // A few go on, and may be done before their lease ends.
    if (work.gaveWay && random.chance(0.8)) return this.end(work, { result: 'released' });
    if (work.stage === 'merging') {
      if (random.chance(0.85)) return this.requestMerge(work);
      return this.end(work, this.#someFailure());
    }
    if (work.stage === 'granted')
      return this.end(work, { result: random.chance(0.7) ? 'merged' : 'merge_failed' });
    if (isSick && random.chance(0.85))
      return this.end(work, {
        result: 'failed',
        failureClass: random.pick(['provider', 'agent'] as const) ?? 'agent',
      });
    const result = random.weighted({
      completed: 11,
      failed: 4,
      blocked: 0.8,
      released: 0.8,
      cancelled: 0.2,
      merged: 0.2,
    });
    return this.end(work, result === 'failed' ? this.#someFailure() : { result });
  }

  #someFailure(): Ending {
    const failureClass = this.world.random.weighted({ task: 3, agent: 2, provider: 2, infrastructure: 2 });
    return { result: 'failed', failureClass };
  }

  async requestMerge(work: Work): Promise<void> {
    await this.#send(
      {
        who: this.name,
        kind: 'ask for the merge slot',
        what: `asks for the merge slot as ${formatId('attempt', work.attempt)}`,
        call: (engine) => engine.requestMerge(formatId('attempt', work.attempt)),
        show: ({ granted }: MergeTurn) => (granted ? 'granted' : 'waits'),
      },
      (answer) => {
        this.#heed(work, answer);
        if (!answer.ok) return;
        const turn = answer.answer as MergeTurn;
        if (turn.granted) work.stage = 'granted';
        else work.cancelling = turn.cancelRequested;
      },
    );
  }

  /** Ends an attempt, or tries to. */
  async end(work: Work, ending: Ending, until?: Date): Promise<void> {
    const { world } = this;
    const [taskId, attemptId] = [formatId('task', work.task), formatId('attempt', work.attempt)];
    const by = world.now + this.skewMs;
    const metrics = {
      ...{ agent: this.agent, provider: this.provider },
      ...{ startedAt: new Date(by - 60_000), completedAt: new Date(by), duration: 60_000 },
      ...(work.probe ? { probe: true } : {}),
      ...(ending.result === 'failed' && ending.failureClass === 'provider' && world.random.chance(0.35)
        ? { resetAt: new Date(world.now + world.random.int(HOUR_MS)) }
        : {}),
    };
    const failure = { error: 'It went wrong', metrics };
    const kind = ending.result === 'failed' ? `fail: ${ending.failureClass}` : ending.result;
    await this.#send(
      {
        who: this.name,
        kind,
        what: `ends ${attemptId} of ${taskId}: ${kind}`,
        call: (engine) => {
          switch (ending.result) {
            case 'completed':
              return engine.completeTask(taskId, {
                status: 'completed',
                attemptId,
                output: { by: this.name },
                metrics,
              });
            case 'failed':
              return engine.completeTask(taskId, {
                ...{ status: 'failed', attemptId, failureClass: ending.failureClass, ...failure },
              });
            case 'blocked':
              return engine.completeTask(taskId, {
                status: 'blocked',
                attemptId,
                error: 'It needs a decision',
              });
            case 'released':
              return engine.releaseAttempt(attemptId, {
                ...(until === undefined
                  ? {}
                  : { availableAt: until, heldBy: [{ agent: this.agent, provider: this.provider }] }),
              });
            case 'cancelled':
              return engine.confirmCancelled(attemptId);
            case 'merged':
              return engine.completeMerge(taskId, { attemptId, output: { merged: true } });
            case 'merge_failed':
              return engine.failMerge(taskId, { attemptId, error: 'A conflict' });
          }
        },
        show: ({ status, replayed }: Settlement) => `${status}${replayed ? ' (as before)' : ''}`,
        judge: judgeEnding(work.attempt, ending),
      },
      (answer) => {
        this.#heed(work, answer);
        if (!answer.ok) return;
        const { status, attemptStatus } = answer.answer as Settlement;
        if (attemptStatus === 'RUNNING' && status === 'MERGING') work.stage = 'merging';
        else this.#drop(work);
      },
    );
  }

  /** Nothing goes wrong any more: everything that it holds comes one step nearer to its end. */
  async finish(): Promise<void> {
    for (const work of [...this.work]) {
      if (work.cancelling) await this.end(work, { result: 'cancelled' });
      else if (work.stage === 'merging') await this.requestMerge(work);
      else if (work.stage === 'granted') await this.end(work, { result: 'merged' });
      else await this.end(work, { result: 'completed' });
    }
  }

  /** Calls that nobody answered are not made again. */
  forgetUnanswered(): void {
    this.#again = null;
  }
}
