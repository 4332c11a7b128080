import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import {
  drawDot,
  drawMermaid,
  type Endpoint,
  type EndpointName,
  endpoints,
  formatPlan,
  isNeolithError,
  NeolithError,
  toProblem,
} from '@neolith/contracts';
import type { WorkEngine } from '@neolith/work-engine';
import { z } from 'zod';

export const TOKEN = 'neo_a_token_of_the_tests';

interface Call {
  readonly params: Record<string, string>;
  // biome-ignore lint/suspicious/noExplicitAny: what the table's schemas decoded, for any endpoint
  readonly query: any;
  // biome-ignore lint/suspicious/noExplicitAny: what the table's schemas decoded, for any endpoint
  readonly body: any;
  readonly signal: AbortSignal;
}

type Handlers = { [Name in EndpointName]?: (call: Call) => Promise<unknown> };

/** What a test may do to a call on its way. */
export type Fault =
  /** Refuse it with this status, before it has any effect. */
  | { readonly kind: 'answer'; readonly status: number; readonly headers?: Record<string, string> }
  /** Carry it out, then break the connection: the answer is lost. */
  | { readonly kind: 'lose_answer' }
  /** Carry it out and keep silent, as over a connection that is half open. */
  | { readonly kind: 'never_answer' };

export interface SeenCall {
  readonly name: EndpointName;
  readonly params: Record<string, string>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into the body of any endpoint
  readonly body: any;
  readonly atMs: number;
  status: number | null;
}

export interface TestServer {
  readonly url: string;
  readonly calls: SeenCall[];
  /** Asked before each call. */
  fault: (call: Pick<SeenCall, 'name' | 'params' | 'body'>) => Fault | null;
  /** As a server that died: connections are cut, the port is closed. */
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
  close(): Promise<void>;
}

/** The endpoint table over an engine, with nothing beside it: for tests of those who call it. */
export async function startTestServer(engine: WorkEngine): Promise<TestServer> {
  const handlers = handlersOf(engine);
  const sockets = new Set<Socket>();
  const calls: SeenCall[] = [];
  let server: Server | null = null;
  let port = 0;

  const listen = async () => {
    const fresh = createServer((request, response) => void answer(request, response));
    fresh.on('connection', (socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve) => fresh.listen(port, '127.0.0.1', resolve));
    port = (fresh.address() as AddressInfo).port;
    server = fresh;
  };
  const goAway = async () => {
    const old = server;
    server = null;
    if (old === null) return;
    const closed = new Promise((resolve) => old.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      if (request.headers.authorization !== `Bearer ${TOKEN}`) {
        throw new NeolithError('UNAUTHENTICATED', 'The token is not valid.');
      }
      const url = new URL(request.url ?? '/', 'http://localhost');
      const found = match(request.method ?? 'GET', url.pathname.replace(/^\/api\/v1/, ''));
      if (found === null) throw new NeolithError('ROUTE_NOT_FOUND', `No route ${url.pathname}`);
      const { name, endpoint, params } = found;
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const raw = Buffer.concat(chunks).toString();
      const written = raw === '' ? {} : JSON.parse(raw);
      const seen: SeenCall = { name, params, body: written, atMs: performance.now(), status: null };
      calls.push(seen);
      const fault = state.fault({ name, params, body: written });
      if (fault?.kind === 'answer') {
        seen.status = fault.status;
        response.writeHead(fault.status, fault.headers);
        response.end();
        return;
      }
      if (endpoint.stream === true) {
        if (name === 'followControl') await control(engine, params.id ?? '', response, gone.signal);
        return;
      }
      const handler = handlers[name];
      if (handler === undefined) throw new NeolithError('ROUTE_NOT_FOUND', `No handler for ${name}`);
      const body = endpoint.body === undefined ? undefined : check(endpoint.body, written);
      const query =
        endpoint.query === undefined
          ? undefined
          : check(endpoint.query, Object.fromEntries(url.searchParams));
      let result: unknown;
      try {
        result = await handler({ params, query, body, signal: gone.signal });
        seen.status = 200;
      } catch (error) {
        seen.status = isNeolithError(error) ? error.status : 500;
        throw error;
      } finally {
        if (fault?.kind === 'lose_answer') request.socket.destroy();
      }
      if (fault?.kind === 'never_answer') return;
      if (result === null && (endpoint.mayBeEmpty === true || endpoint.status === 204)) {
        response.writeHead(204).end();
        return;
      }
      response.writeHead(endpoint.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(result));
    } catch (error) {
      if (response.destroyed) return;
      const known = isNeolithError(error)
        ? error
        : new NeolithError('INTERNAL', String(error), { cause: error });
      response.writeHead(known.status, { 'content-type': 'application/problem+json' });
      response.end(JSON.stringify(toProblem(known)));
    }
  }

  await listen();
  const state: TestServer = {
    url: `http://127.0.0.1:${port}`,
    calls,
    fault: () => null,
    goAway,
    comeBack: listen,
    close: goAway,
  };
  return state;
}

function check(schema: z.ZodType, value: unknown): unknown {
  const result = z.safeParse(schema, value);
  if (result.success) return result.data;
  throw new NeolithError('INVALID_INPUT', z.prettifyError(result.error));
}

function match(
  method: string,
  path: string,
): { name: EndpointName; endpoint: Endpoint; params: Record<string, string> } | null {
  for (const [name, endpoint] of Object.entries<Endpoint>(endpoints)) {
    if (endpoint.method !== method) continue;
    const pattern = new RegExp(`^${endpoint.path.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
    const found = pattern.exec(path);
    if (found !== null) return { name: name as EndpointName, endpoint, params: { ...found.groups } };
  }
  return null;
}

function handlersOf(engine: WorkEngine): Handlers {
  return {
    listOrchestrators: async () => ({ orchestrators: await engine.listOrchestrators() }),
    createOrchestrator: ({ body }) => engine.createOrchestrator(body),
    getOverview: () => engine.getOverview(),
    getNextTask: ({ params, query }) => engine.selectNextTask(params.id ?? '', query),
    getQueue: ({ params, query }) => engine.rankTasks(params.id ?? '', query),
    explainSelection: ({ params, query: { taskId, ...criteria } }) =>
      engine.explainSelection(params.id ?? '', taskId, criteria),
    async claimTasks({ params, body: { waitSeconds, ...options }, signal }) {
      const { claims, reason } = await engine.waitForClaim(params.id ?? '', {
        ...options,
        waitSeconds,
        signal,
      });
      const contexts = await engine.prepareTaskContexts(claims.map(({ task }) => task.id));
      const heldAgents = await engine.listHeldAgents();
      return {
        claims: claims.map((claim, index) => ({ ...claim, context: contexts[index] })),
        reason,
        heldAgents,
      };
    },
    getOrchestratorStats: ({ params, query }) => engine.getOrchestratorExecutionStats(params.id ?? '', query),
    listOrchestratorAttempts: ({ params, query }) => engine.listAttempts(params.id ?? '', query),
    listChannels: async () => ({ channels: await engine.listChannels() }),
    createChannel: ({ body }) => engine.createChannel(body),
    listTasks: ({ query }) => engine.listTasks(query),
    createTasks: async ({ body }) => ({ tasks: await engine.createTasks(body.tasks) }),
    getTask: ({ params }) => engine.getTask(params.id ?? ''),
    updateTask: ({ params, body }) => engine.updateTask(params.id ?? '', body),
    addDependency: async ({ params, body }) => {
      await engine.addDependency(params.id ?? '', body.dependsOn);
      return engine.getTask(params.id ?? '');
    },
    blockTask: ({ params, body }) => engine.blockTask(params.id ?? '', body),
    unblockTask: ({ params, body }) => engine.unblockTask(params.id ?? '', body),
    cancelTask: ({ params, body }) => engine.cancelTask(params.id ?? '', body),
    updateTaskProgress: ({ params, body }) => engine.updateTaskProgress({ taskId: params.id ?? '', ...body }),
    completeTask: ({ params, body }) => engine.completeTask(params.id ?? '', body),
    confirmCancelled: ({ params }) => engine.confirmCancelled(params.id ?? ''),
    renewLease: ({ params }) => engine.renewLease(params.id ?? ''),
    appendAttemptLog: ({ params, body }) => engine.appendAttemptLog(params.id ?? '', body),
    readAttemptLog: ({ params, query, signal }) =>
      engine.readAttemptLog(params.id ?? '', { ...query, signal }),
    getAttempt: ({ params }) => engine.getAttempt(params.id ?? ''),
    getResources: () => engine.getResources(),
    acquireResources: ({ params, body, signal }) =>
      engine.acquireResources(params.id ?? '', body, { signal }),
    giveUpResources: ({ params }) => engine.giveUpResources(params.id ?? ''),
    releaseAttempt: ({ params, body }) => engine.releaseAttempt(params.id ?? '', body),
    listTaskEvents: ({ params, query }) => engine.listTaskEvents(params.id ?? '', query.limit, query.cursor),
    listDeadLetters: ({ query }) => engine.listDeadLetters(query),
    redriveDeadLetters: ({ body }) => engine.redriveDeadLetters(body),
    listBreakers: async () => ({ breakers: await engine.listBreakers() }),
    requestPermit: ({ body }) => engine.requestPermit(body),
    forceBreaker: ({ body }) => engine.forceBreaker(body),
    releaseBreaker: ({ body }) => engine.releaseBreaker(body),
    recordRoute: async ({ params, body }) => {
      await engine.recordRoute(params.id ?? '', body);
      return null;
    },
    getAgentFigures: ({ query }) => engine.readAgentFigures(query),
    retryTask: ({ params }) => engine.retryTask(params.id ?? ''),
    requestMerge: ({ params, body, signal }) => engine.requestMerge(params.id ?? '', { ...body, signal }),
    completeMerge: async ({ params, body }) =>
      engine.completeMerge(await engine.taskOfAttempt(params.id ?? ''), { ...body, attemptId: params.id }),
    failMerge: async ({ params, body }) =>
      engine.failMerge(await engine.taskOfAttempt(params.id ?? ''), { ...body, attemptId: params.id }),
    listRuns: ({ query }) => engine.listRuns(query),
    createRun: ({ body }) => engine.createRun(body),
    importPlan: ({ body }) => engine.importPlan(body),
    getRun: ({ params }) => engine.getRun(params.id ?? ''),
    updateRun: ({ params, body }) => engine.updateRun(params.id ?? '', body),
    deleteRun: ({ params }) => engine.deleteRun(params.id ?? '').then(() => null),
    startRun: ({ params, body }) => engine.startRun(params.id ?? '', body),
    pauseRun: ({ params, body }) => engine.pauseRun(params.id ?? '', body),
    resumeRun: ({ params, body }) => engine.resumeRun(params.id ?? '', body),
    stopRun: ({ params, body }) => engine.stopRun(params.id ?? '', body),
    releaseRun: ({ params, body }) => engine.releaseRun(params.id ?? '', body),
    retryRun: ({ params, body }) => engine.retryRun(params.id ?? '', body),
    resetRun: ({ params, body }) => engine.resetRun(params.id ?? '', body),
    completeRun: ({ params, body }) => engine.completeRun(params.id ?? '', body),
    getRunSnapshot: ({ params }) => engine.getRunSnapshot(params.id ?? ''),
    getRunHistory: ({ params, query }) => engine.getRunHistory(params.id ?? '', query),
    getReadyTasks: async ({ params }) => ({ tasks: await engine.getReadyTasks(params.id ?? '') }),
    getRunGraph: async ({ params, query: { format } }) => {
      const { name, ...graph } = await engine.getRunGraph(params.id ?? '');
      if (format === 'json') return { runId: params.id, format, text: null, graph };
      const tasks = graph.tasks.map((task) => ({ ...task, dependsOn: [] as string[] }));
      for (const [dependent, prerequisite] of graph.edges)
        tasks[dependent]?.dependsOn.push(graph.tasks[prerequisite]?.id ?? '');
      const draw = format === 'dot' ? drawDot : format === 'mermaid' ? drawMermaid : formatPlan;
      return { runId: params.id, format, text: draw({ name, tasks }), graph: null };
    },
    getRunProgress: ({ params }) => engine.getProgress(params.id ?? ''),
    listDaemons: async () => ({ daemons: await engine.listDaemons() }),
    registerDaemon: ({ body }) => engine.registerDaemon(body),
    daemonHeartbeat: async ({ params, body }) => ({
      renewals: await engine.heartbeatDaemon(params.id ?? '', body),
    }),
  };
}

async function control(
  engine: WorkEngine,
  daemonId: string,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(': hello\n\n');
  const tell = async (taskId: string) => {
    const { attempts } = await engine.getTask(taskId);
    const live = attempts.find((attempt) => attempt.status === 'RUNNING' && attempt.daemonId === daemonId);
    if (live === undefined) return;
    response.write(
      `data: ${JSON.stringify({ type: 'cancel', attemptId: live.id, taskId, reason: null })}\n\n`,
    );
  };
  const subscription = await engine.events.subscribe({
    workspaceId: null,
    onEvents: (events) => {
      for (const event of events) {
        if (event.type === 'task.cancel_requested') void tell(event.taskId ?? '');
      }
    },
  });
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  subscription.stop();
}
