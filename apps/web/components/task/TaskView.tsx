'use client';

import { LiveIndicator } from '@/components/live/LiveIndicator';
import { StaleNotice } from '@/components/live/StaleNotice';
import { useLiveResource } from '@/components/live/useLiveResource';
import { Breadcrumb } from '@/components/shell/Breadcrumb';
import { orchestratorHref } from '@/components/ui/PageLink';
import { Panel } from '@/components/ui/Panel';
import { PriorityTag } from '@/components/ui/PriorityTag';
import { StatusBadge } from '@/components/ui/StatusBadge';
import { TaskProse, TaskText } from '@/components/ui/TaskText';
import { readProgress } from '@/lib/applyProgress';
import { TASK_STATUS_LOOK } from '@/lib/statusLook';
import { readTaskPage, type TaskPageData } from '@/lib/taskPage';
import { AttemptList } from './AttemptList';
import { DependencyList } from './DependencyList';
import { LogPanel } from './LogPanel';
import { TaskFacts } from './TaskFacts';
import { TaskResult } from './TaskResult';
import { TaskSituation } from './TaskSituation';
import { Timeline } from './Timeline';
import { useShownAttempt } from './useShownAttempt';

/** One task: what it is, where it stands and why, what came of it, what its agents printed, and how it came about. */
export function TaskView({ initial }: { initial: TaskPageData }) {
  const id = initial.task.id;
  const { data, problem } = useLiveResource<TaskPageData>({
    initial,
    read: (signal) => readTaskPage(id, initial.orchestrator, signal),
    wants: (event, patch) => {
      const told = event.taskId === id ? readProgress(event) : null;
      if (told !== null) {
        patch((current) => ({
          ...current,
          task: {
            ...current.task,
            progress: told.progress ?? current.task.progress,
            progressMessage: told.message ?? current.task.progressMessage,
          },
        }));
      }
      const others = [...initial.task.prerequisites, ...initial.task.dependents];
      return event.taskId === id || others.some((other) => other.id === event.taskId);
    },
  });
  const { task, orchestrator, history } = data;
  const timeZone = orchestrator?.timeZone ?? 'UTC';
  const status = TASK_STATUS_LOOK[task.status];
  const { shown, show, box } = useShownAttempt(task.attempts);

  return (
    <>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <Breadcrumb
          trail={[
            { label: 'Orchestrators', href: '/' },
            ...(orchestrator === null
              ? []
              : [{ label: orchestrator.name, href: orchestratorHref(orchestrator.id) }]),
          ]}
        />
        <LiveIndicator />
      </div>
      <div className="mt-4 max-w-4xl">
        <p className="flex flex-wrap items-center gap-3">
          <StatusBadge label={status.label} tone={status.tone} />
          <PriorityTag priority={task.priority} />
        </p>
        <h1 className="foreign mt-2 text-2xl font-semibold leading-8 tracking-tight text-balance">
          <TaskText text={task.title} />
        </h1>
      </div>
      <div className="mt-5 grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_22rem]">
        <div className="min-w-0 space-y-4">
          <TaskSituation task={task} orchestrator={orchestrator} />
          <Panel id="description" title="Description">
            {task.description === '' ? (
              <p className="text-sm text-ink-faint">No description.</p>
            ) : (
              <TaskProse text={task.description} />
            )}
            {task.acceptanceCriteria.length === 0 ? null : (
              <>
                <h3 className="mt-5 text-xs text-ink-faint">Acceptance criteria</h3>
                <ul className="mt-1 list-disc space-y-1 pl-5 text-sm marker:text-ink-faint">
                  {task.acceptanceCriteria.map((criterion) => (
                    <li key={criterion}>
                      <TaskText text={criterion} />
                    </li>
                  ))}
                </ul>
              </>
            )}
          </Panel>
          <TaskResult result={task.result} />
          {shown === null ? null : <LogPanel attempt={shown} box={box} />}
          <Timeline history={history} timeZone={timeZone} />
        </div>
        <div className="min-w-0 space-y-4">
          <TaskFacts task={task} orchestrator={orchestrator} />
          <DependencyList
            id="prerequisites"
            title="Depends on"
            tasks={task.prerequisites}
            empty="Nothing: it can start by itself."
          />
          <DependencyList
            id="dependents"
            title="Waits for this"
            tasks={task.dependents}
            empty="Nothing waits for it."
          />
          <AttemptList attempts={task.attempts} shown={shown} onShow={show} timeZone={timeZone} />
        </div>
      </div>
      <StaleNotice problem={problem} />
    </>
  );
}
