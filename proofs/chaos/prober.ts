import type { WebServer } from './webServers.js';

/** Asks each server all the time, past every proxy, what it must be able to answer whatever goes on around it. */
export interface Prober {
  /** PostgreSQL takes connections again: from now on recovery is timed. */
  postgresIsBack(): void;
  /** It is about to go. */
  postgresGoes(): void;
  stop(): Promise<void>;
  readonly found: ProbeFindings;
}

export interface ProbeFindings {
  livezAnswered: number;
  served: number;
  /** 503 with a Retry-After. */
  putOff: number;
  /** From PostgreSQL's return until a server served again without being restarted, milliseconds. */
  readonly recoveriesMs: number[];
  /** PostgreSQL went again before they had served. */
  recoveriesBrokenOff: number;
  slowestLivezMs: number;
  readonly problems: string[];
}

const EVERY_MS = 400;
/** How fast is not what is promised; a machine may have much else to do. */
const LIVEZ_LIMIT_MS = 15_000;
/** The promise for a connection that fell silent is 15 s; whoever asks needs a little longer. */
const CALL_LIMIT_MS = 20_000;
const UNDER_WAY_MAX = 8;
const RECOVERY_MS_MAX = 10_000;

interface Watched {
  readonly server: WebServer;
  underWay: number;
  /** Of the life that waits for PostgreSQL; null: it does not. */
  waiting: { readonly life: number; readonly sinceMs: number } | null;
}

export function startProber(servers: readonly WebServer[], token: string, signal: AbortSignal): Prober {
  const found: ProbeFindings = {
    livezAnswered: 0,
    served: 0,
    putOff: 0,
    recoveriesMs: [],
    recoveriesBrokenOff: 0,
    slowestLivezMs: 0,
    problems: [],
  };
  const watched = servers.map((server): Watched => ({ server, underWay: 0, waiting: null }));
  const pending = new Set<Promise<void>>();

  /** What is only judged if the server was left alone all the while. */
  async function ask(
    one: Watched,
    path: string,
    limitMs: number,
    judge: (status: number, retryAfter: string | null, startedMs: number) => string | null,
  ): Promise<void> {
    const { server } = one;
    const life = server.lives();
    const startedMs = performance.now();
    const call = () =>
      fetch(`${server.url}${path}`, {
        headers: { authorization: `Bearer ${token}` },
        signal: AbortSignal.timeout(limitMs),
      });
    let problem: string | null;
    try {
      const response = await call().catch((error: unknown) => {
        if (!isClosedIdle(error)) throw error;
        return call();
      });
      const body = await response.text();
      problem = judge(response.status, response.headers.get('retry-after'), startedMs);
      if (problem !== null) problem += ` ${body.slice(0, 500)}`;
    } catch (error) {
      const cause = (error as Error).cause ?? error;
      problem = `was not answered within ${Math.round(performance.now() - startedMs)} ms: ${String(cause)}`;
    }
    if (problem === null || !server.isUp() || server.lives() !== life) return;
    found.problems.push(`${server.name}: GET ${path} ${problem}`);
  }

  function probeLife(one: Watched): Promise<void> {
    return ask(one, '/livez', LIVEZ_LIMIT_MS, (status, _retryAfter, startedMs) => {
      if (status !== 200) return `was answered ${status}`;
      found.livezAnswered += 1;
      found.slowestLivezMs = Math.max(found.slowestLivezMs, performance.now() - startedMs);
      return null;
    });
  }

  function probeCall(one: Watched): Promise<void> {
    return ask(one, '/api/v1/orchestrators', CALL_LIMIT_MS, (status, retryAfter, startedMs) => {
      if (status === 200) {
        found.served += 1;
        noteServed(one, startedMs);
        return null;
      }
      if (status !== 503) return `was answered ${status}:`;
      if (!(Number(retryAfter) > 0)) return 'was answered 503 without Retry-After:';
      found.putOff += 1;
      return null;
    });
  }

  function noteServed(one: Watched, startedMs: number): void {
    const { waiting, server } = one;
    // One that was asked before may have been answered before.
    if (waiting === null || startedMs < waiting.sinceMs) return;
    one.waiting = null;
    if (waiting.life !== server.lives()) return;
    const tookMs = Math.round(performance.now() - waiting.sinceMs);
    found.recoveriesMs.push(tookMs);
    if (tookMs > RECOVERY_MS_MAX)
      found.problems.push(`${server.name} served again only ${tookMs} ms after PostgreSQL was back`);
  }

  const timer = setInterval(() => {
    for (const one of watched) {
      if (!one.server.isUp() || one.underWay >= UNDER_WAY_MAX) continue;
      one.underWay += 1;
      const asked = Promise.all([probeLife(one), probeCall(one)]).then(() => {
        one.underWay -= 1;
        pending.delete(asked);
      });
      pending.add(asked);
    }
  }, EVERY_MS);

  signal.addEventListener('abort', () => clearInterval(timer), { once: true });

  return {
    found,
    postgresIsBack() {
      const sinceMs = performance.now();
      for (const one of watched) if (one.server.isUp()) one.waiting = { life: one.server.lives(), sinceMs };
    },
    postgresGoes() {
      for (const one of watched) {
        if (one.waiting === null) continue;
        if (one.waiting.life === one.server.lives()) found.recoveriesBrokenOff += 1;
        one.waiting = null;
      }
    },
    async stop() {
      clearInterval(timer);
      await Promise.all(pending);
    },
  };
}

/**
 * Servers close connections that were idle for some seconds. One that was idle for as long because the machine had no time for
 * the server is closed although the next question is on its way; whoever may ask twice asks anew.
 */
function isClosedIdle(error: unknown): boolean {
  const { code } = ((error as Error).cause ?? {}) as { code?: string };
  return code === 'ECONNRESET' || code === 'UND_ERR_SOCKET';
}
