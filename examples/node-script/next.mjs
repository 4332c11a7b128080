import {
  claimNextTask,
  closeDefaultEngine,
  completeTask,
  listOrchestrators,
  selectNextTask,
} from '@neolith/work-engine';

const [name] = process.argv.slice(2);
try {
  const orchestrators = await listOrchestrators();
  const orchestrator = orchestrators.find((candidate) => candidate.name === name || candidate.id === name);
  if (orchestrator === undefined) {
    throw new Error(
      `Orchestrator not found: ${name}; there are ${orchestrators.map((each) => each.name).join(', ') || 'none'}`,
    );
  }

  const next = await selectNextTask(orchestrator.id);
  console.log(next === null ? 'Nothing to do' : `Next: ${next.title} (${next.priority})`);

  const { claims } = await claimNextTask(orchestrator.id);
  for (const { task, attempt } of claims) {
    const { unblocked } = await completeTask(task.id, {
      status: 'completed',
      output: { summary: 'done by a script' },
      attemptId: attempt.id,
    });
    console.log(`Done: ${task.title}; ${unblocked.length} task(s) unblocked`);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await closeDefaultEngine();
}
