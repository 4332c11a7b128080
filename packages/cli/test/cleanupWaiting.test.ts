import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  handOffWorktree,
  makeWorktree,
  openRepository,
  releaseWorktree,
  resolveTarget,
} from '@neolith/daemon';
import { afterEach, expect, it } from 'vitest';
import { makeWorkshop, type Workshop } from '../../daemon/test/git/support/workshop.js';
import { TOKEN } from '../../daemon/test/worker/support/testServer.js';
import { openWorkplace } from '../../daemon/test/worker/support/workplace.js';
import { runNeolith } from './support/runNeolith.js';

const work = openWorkplace();
let shop: Workshop | null = null;
let close: () => void = () => undefined;

afterEach(() => {
  close();
  shop?.remove();
});

/** The server of the tests, with the answer that it is ready. */
async function serve(): Promise<string> {
  const server = createServer((incoming, response) => {
    if (incoming.url === '/readyz') {
      response.end();
      return;
    }
    const { method, headers, url } = incoming;
    const onward = request(
      new URL(url ?? '/', work.server.url),
      { ...(method === undefined ? {} : { method }), headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      },
    );
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  close = () => server.close();
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it('keeps what a person was asked to work in while the task waits for them, and not longer', async () => {
  shop = makeWorkshop();
  const { path } = shop;
  const worktreesDirectory = work.path('worktrees');
  const repository = await openRepository({ path, worktreesDirectory, environment: process.env });
  const orchestrator = await work.orchestrator();
  const task = await work.task(orchestrator, { title: 'By hand' });
  const { branch } = await resolveTarget(repository, { runId: 'run_1' });
  const attemptId = 'att_1';
  const worktree = { taskId: task.id, attemptId, runId: 'run_1', targetBranch: branch };
  const { directory } = await makeWorktree(repository, worktree);
  await releaseWorktree(repository, attemptId);
  await handOffWorktree(repository, attemptId);
  await work.engine.blockTask(task.id, { reason: 'Handed to a person' });
  const url = await serve();
  const clean = async () => {
    const { stdout } = await runNeolith(['cleanup', '--repo-path', path, '--json'], {
      NEOLITH_HOME: work.directory,
      NEOLITH_URL: url,
      NEOLITH_TOKEN: TOKEN,
    });
    return JSON.parse(stdout);
  };
  expect(await clean()).toMatchObject({ removed: [], kept: [{ path: directory, reason: 'HANDED_OFF' }] });
  await work.engine.cancelTask(task.id);
  expect(await clean()).toMatchObject({ removed: [{ path: directory }], kept: [] });
});
