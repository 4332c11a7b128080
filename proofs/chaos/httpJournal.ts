/** An answer as a server gave it, whether or not whoever asked got to see it. */
export interface Answered {
  readonly method: string;
  /** Without query. */
  readonly path: string;
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly request: string;
  readonly body: string;
}

/** What a server has accepted about an attempt. */
export interface Acceptance {
  readonly taskId: string;
  readonly attemptId: string;
  /** Of the task: DONE, MERGING, TODO, FAILED, BLOCKED. */
  readonly status: string;
  readonly call: 'complete' | 'merged';
}

export interface HttpJournal {
  note(answered: Answered): void;
  /** Two answers to one and the same request that was sent twice. */
  compare(one: Answered, other: Answered): void;
  readonly statuses: ReadonlyMap<number, number>;
  readonly accepted: readonly Acceptance[];
  /** Answers of 2xx to calls that change something. */
  writesAccepted(): number;
  readonly problems: readonly string[];
}

const COMPLETE = /^\/api\/v1\/tasks\/(task_[^/]+)\/complete$/;
const MERGED = /^\/api\/v1\/attempts\/(att_[^/]+)\/merged$/;
const CLAIM = /^\/api\/v1\/orchestrators\/[^/]+\/claim$/;
const CHARS_TOLD = 600;

/** Writes down what servers answered, to be compared with the database afterwards. */
export function createHttpJournal(): HttpJournal {
  const statuses = new Map<number, number>();
  const accepted: Acceptance[] = [];
  const problems: string[] = [];
  let writes = 0;

  function note(answered: Answered): void {
    const { method, path, status, request, body } = answered;
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    if (status >= 500 && status !== 503)
      problems.push(`${method} ${path} was answered ${status}: ${body.slice(0, CHARS_TOLD)}`);
    if (status === 503 && !(Number(answered.retryAfter) > 0))
      problems.push(`${method} ${path} was answered 503 without Retry-After`);
    // Nobody here sends what is malformed, comes with a wrong token, or uses a key for something else.
    if ([400, 401, 403, 422].includes(status))
      problems.push(`${method} ${path} was answered ${status}: ${body.slice(0, CHARS_TOLD)}`);
    if (status < 200 || status > 299 || method === 'GET') return;
    writes += 1;
    const complete = COMPLETE.exec(path);
    if (complete !== null) {
      const { attemptId } = JSON.parse(request) as { attemptId: string };
      accepted.push({ taskId: complete[1] as string, attemptId, status: statusOf(body), call: 'complete' });
    }
    const merged = MERGED.exec(path);
    if (merged !== null) {
      const { taskId, status: becomes } = JSON.parse(body) as { taskId: string; status: string };
      accepted.push({ taskId, attemptId: merged[1] as string, status: becomes, call: 'merged' });
    }
  }

  function compare(one: Answered, other: Answered): void {
    const both = [one, other];
    if (!both.every(({ status }) => status >= 200 && status <= 299)) return;
    const say = (what: string) =>
      problems.push(
        `${one.method} ${one.path}, sent twice, ${what}: ${both.map(({ body }) => body.slice(0, CHARS_TOLD)).join(' | ')}`,
      );
    if (CLAIM.test(one.path)) {
      const [mine, its] = both.map(({ body }) => attemptsOf(body));
      // One that waited in vain and one that came later are both right.
      if (mine !== '' && its !== '' && mine !== its) say('gave two different claims');
    }
    if (COMPLETE.test(one.path) || MERGED.test(one.path)) {
      const [mine, its] = both.map(({ body }) => statusOf(body));
      if (mine !== its) say('had two different outcomes');
    }
    if (one.path === '/api/v1/runs' && one.method === 'POST') {
      const [mine, its] = both.map(({ body }) => (JSON.parse(body) as { id: string }).id);
      if (mine !== its) say('made two runs');
    }
  }

  return { note, compare, statuses, accepted, writesAccepted: () => writes, problems };
}

function statusOf(body: string): string {
  return (JSON.parse(body) as { status: string }).status;
}

function attemptsOf(body: string): string {
  const { claims } = JSON.parse(body) as { claims: { attempt: { id: string } }[] };
  return claims
    .map(({ attempt }) => attempt.id)
    .sort()
    .join();
}
