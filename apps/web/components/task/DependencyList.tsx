import { PageLink, taskHref } from '@/components/ui/PageLink';
import { Panel } from '@/components/ui/Panel';
import { StatusBadge } from '@/components/ui/StatusBadge';
import { TaskText } from '@/components/ui/TaskText';
import { TASK_STATUS_LOOK } from '@/lib/statusLook';
import type { TaskReferenceJson } from '@/lib/wire';

const SHOWN = 50;

/** Neighbours in the graph of dependencies; those that are not done first. */
export function DependencyList({
  id,
  title,
  tasks,
  empty,
}: {
  id: string;
  title: string;
  tasks: readonly TaskReferenceJson[];
  empty: string;
}) {
  const ordered = [...tasks].sort((a, b) => Number(a.status === 'DONE') - Number(b.status === 'DONE'));
  return (
    <Panel id={id} title={title} aside={tasks.length === 0 ? undefined : `${tasks.length}`} flush>
      {tasks.length === 0 ? (
        <p className="px-4 py-3 text-sm text-ink-faint">{empty}</p>
      ) : (
        <ul className="max-h-80 divide-y divide-line overflow-y-auto">
          {ordered.slice(0, SHOWN).map((task) => (
            <li key={task.id} className="flex items-start justify-between gap-3 px-4 py-2 text-sm">
              <span className="foreign min-w-0 line-clamp-2">
                <PageLink href={taskHref(task.id)}>
                  <TaskText text={task.title} />
                </PageLink>
              </span>
              <StatusBadge {...TASK_STATUS_LOOK[task.status]} />
            </li>
          ))}
        </ul>
      )}
      {tasks.length > SHOWN ? (
        <p className="border-t border-line px-4 py-2 text-xs text-ink-faint">
          and {tasks.length - SHOWN} more
        </p>
      ) : null}
    </Panel>
  );
}
