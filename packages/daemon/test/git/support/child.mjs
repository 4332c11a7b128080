// One job of the built library in a process of its own: `node child.mjs '{"job": …}'`. Prints its result as JSON.
import { createGitMerger, makeWorktree, openRepository, resolveTarget } from '@neolith/daemon';

const input = JSON.parse(process.argv[2] ?? '{}');
const repository = await openRepository(input.repository);

const jobs = {
  async make() {
    const target = await resolveTarget(repository, { runId: input.runId });
    return makeWorktree(repository, {
      taskId: `task_${input.attemptId}`,
      attemptId: input.attemptId,
      runId: input.runId,
      targetBranch: target.branch,
    });
  },
  async merge() {
    const merger = createGitMerger({
      repository,
      strategy: input.strategy,
      check: input.check === null ? null : { command: input.check, hostEnvironment: process.env },
    });
    const run = await merger.start(
      {
        taskId: `task_${input.attemptId}`,
        attemptId: input.attemptId,
        attemptDirectory: '/nowhere',
        workingDirectory: '/nowhere',
        context: {},
        output: null,
        agent: 'shell',
      },
      { timeoutMs: 60_000, graceMs: 300, daemonMarker: `child:${process.pid}.0`, secrets: [] },
      { onLog: () => undefined, onWarning: () => undefined, mayStillMerge: async () => true },
    );
    return run.finished;
  },
};

process.stdout.write(`${JSON.stringify(await jobs[input.job]())}\n`);
