import type { NeolithClient } from '@neolith/contracts';
import { DEMO_CHANNELS, DEMO_ORCHESTRATORS } from './demoOrchestrators.js';
import { DEMO_TASKS } from './demoTasks.js';

/** Marks the tasks of the demo, and that it was made. */
export const DEMO_SOURCE = 'neolith-demo';

const HOUR_MS = 3_600_000;

export interface Seeded {
  readonly orchestrators: number;
  readonly tasks: number;
}

/**
 * Makes the demo workspace through the API, once: not where its tasks are there already, and not in a workspace that
 * has orchestrators of its own. What an interrupted call left is used.
 * @returns null when there was nothing to do.
 */
export async function seedWorkspace(client: NeolithClient, now: Date): Promise<Seeded | null> {
  const [{ orchestrators: present }, { tasks: made }] = await Promise.all([
    client.listOrchestrators(),
    client.listTasks({ query: { source: DEMO_SOURCE, limit: 1 } }),
  ]);
  const names = new Set(DEMO_ORCHESTRATORS.map(({ name }) => name));
  if (made.length > 0 || present.some(({ name }) => !names.has(name))) return null;

  const { channels } = await client.listChannels();
  const channelIds = new Map(channels.map(({ name, id }) => [name, id]));
  for (const channel of DEMO_CHANNELS) {
    if (channelIds.has(channel.name)) continue;
    channelIds.set(channel.name, (await client.createChannel({ body: channel })).id);
  }
  const ownerIds = new Map<string, string>();
  for (const { key, ...orchestrator } of DEMO_ORCHESTRATORS) {
    const known = present.find(({ name }) => name === orchestrator.name);
    ownerIds.set(key, (known ?? (await client.createOrchestrator({ body: orchestrator }))).id);
  }

  const { tasks } = await client.createTasks({
    body: {
      tasks: DEMO_TASKS.map((task, index) => ({
        key: task.key,
        source: DEMO_SOURCE,
        sourceId: task.key,
        title: task.title,
        description: task.description,
        acceptanceCriteria: [...task.acceptanceCriteria],
        orchestratorId: ownerIds.get(task.owner) ?? null,
        channelId: channelIds.get(task.channel) ?? null,
        priority: task.priority,
        tags: [...task.tags],
        dependsOn: [...task.dependsOn],
        dueAt:
          task.dueInHours === null ? null : new Date(now.getTime() + task.dueInHours * HOUR_MS).toISOString(),
        // As if written down one after another over the last days.
        createdAt: new Date(now.getTime() - (DEMO_TASKS.length - index) * 2 * HOUR_MS).toISOString(),
      })),
    },
  });
  for (const { key, blocked } of DEMO_TASKS) {
    const task = tasks.find(({ sourceId }) => sourceId === key);
    if (blocked === undefined || task === undefined) continue;
    await client.blockTask({ params: { id: task.id }, body: blocked });
  }
  return { orchestrators: DEMO_ORCHESTRATORS.length, tasks: tasks.length };
}
