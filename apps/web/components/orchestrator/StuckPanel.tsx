import { PageLink, taskHref } from '@/components/ui/PageLink';
import { Panel } from '@/components/ui/Panel';
import { PriorityTag } from '@/components/ui/PriorityTag';
import { TaskText } from '@/components/ui/TaskText';
import type { OrchestratorDetailJson, TaskJson } from '@/lib/wire';
import { WhyNot } from './WhyNot';

/** What can't start and why; what a person must answer comes first. */
export function StuckPanel({
  orchestrator,
  blocked,
  more,
}: {
  orchestrator: OrchestratorDetailJson;
  blocked: readonly TaskJson[];
  more: boolean;
}) {
  const waitsForPerson = (task: TaskJson) => task.blockedReason !== null || task.blockedQuestion !== null;
  const ordered = [...blocked].sort((a, b) => Number(waitsForPerson(b)) - Number(waitsForPerson(a)));
  return (
    <Panel
      id="stuck"
      title="Stuck"
      aside={more ? `the newest ${blocked.length}` : `${blocked.length} blocked`}
      flush
    >
      {blocked.length === 0 ? (
        <p className="px-4 py-5 text-center text-sm text-ink-soft">Nothing is blocked.</p>
      ) : (
        <ul className="max-h-96 divide-y divide-line overflow-y-auto">
          {ordered.map((task) => (
            <li key={task.id} className="px-4 py-2.5">
              <div className="flex items-baseline justify-between gap-4 text-sm">
                <span className="foreign min-w-0 line-clamp-2">
                  <PageLink href={taskHref(task.id)}>
                    <TaskText text={task.title} />
                  </PageLink>
                </span>
                <PriorityTag priority={task.priority} />
              </div>
              {task.blockedReason === null ? null : (
                <p className="foreign mt-1 line-clamp-3 text-xs text-warn">
                  <TaskText text={task.blockedReason} />
                </p>
              )}
              {task.blockedQuestion === null ? null : (
                <p className="foreign mt-1 line-clamp-3 text-xs text-ink">
                  Asks: <TaskText text={task.blockedQuestion} />
                </p>
              )}
              {waitsForPerson(task) ? null : (
                <p className="mt-1 text-xs text-ink-faint">Waits for other tasks</p>
              )}
              <WhyNot orchestratorId={orchestrator.id} taskId={task.id} question="Why not now?" />
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
