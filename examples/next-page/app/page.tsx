import { listOrchestrators, selectNextTask } from '@neolith/work-engine';

// What is next changes by the minute: ask at every request.
export const dynamic = 'force-dynamic';

export default async function Page() {
  const orchestrators = await listOrchestrators();
  const next = await Promise.all(orchestrators.map(({ id }) => selectNextTask(id)));
  return (
    <main>
      <h1>What is next</h1>
      <ul>
        {orchestrators.map((orchestrator, index) => (
          <li key={orchestrator.id}>
            {orchestrator.name}: {next[index]?.title ?? 'nothing to do'}
          </li>
        ))}
      </ul>
    </main>
  );
}
