import { eventPageSchema, orchestratorDetailSchema, taskDetailSchema } from '@neolith/contracts';
import type { WorkEngine } from '@neolith/work-engine';
import type { Metadata } from 'next';
import { Live } from '@/components/live/Live';
import { TaskView } from '@/components/task/TaskView';
import { Refusal } from '@/components/ui/Refusal';
import { loadPage } from '@/lib/loadPage';
import { HISTORY_LENGTH, type TaskPageData } from '@/lib/taskPage';
import { titleOf } from '@/lib/titleOf';
import { toJson } from '@/lib/toJson';

interface Properties {
  params: Promise<{ id: string }>;
}

export async function generateMetadata({ params }: Properties): Promise<Metadata> {
  const { id } = await params;
  return { title: await titleOf(async (engine) => (await engine.getTask(id)).title, 'Task') };
}

async function loadTask(engine: WorkEngine, id: string): Promise<{ cursor: string; data: TaskPageData }> {
  // The cursor before the data: what happens in between is then told once more instead of missed.
  const cursor = await engine.currentCursor();
  const [task, history] = await Promise.all([engine.getTask(id), engine.listTaskEvents(id, HISTORY_LENGTH)]);
  const orchestrator =
    task.orchestratorId === null ? null : await engine.getOrchestrator(task.orchestratorId);
  return {
    cursor,
    data: {
      task: toJson(taskDetailSchema, task),
      orchestrator: orchestrator === null ? null : toJson(orchestratorDetailSchema, orchestrator),
      history: toJson(eventPageSchema, history).events,
    },
  };
}

export default async function TaskPage({ params }: Properties) {
  const { id } = await params;
  const loaded = await loadPage((engine) => loadTask(engine, id));
  if ('refusal' in loaded) return <Refusal refusal={loaded.refusal} />;
  const { cursor, data } = loaded.data;
  return (
    <Live cursor={cursor} now={Date.now()}>
      <TaskView initial={data} />
    </Live>
  );
}
