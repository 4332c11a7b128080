import { PageLink, taskHref } from '@/components/ui/PageLink';
import { TaskText } from '@/components/ui/TaskText';
import { Elapsed } from '@/components/ui/Time';
import type { ResourceBoardJson } from '@/lib/wire';
import { UseList } from './UseList';

/** Who waits, for what, for how long, and who stands in the way. */
export function WaitList({ waits }: { waits: ResourceBoardJson['waits'] }) {
  return (
    <ol className="divide-y divide-line">
      {waits.map((wait) => (
        <li key={wait.taskId} className="px-4 py-2.5 text-sm">
          <div className="flex items-baseline justify-between gap-3">
            <p className="foreign min-w-0 font-medium">
              <PageLink href={taskHref(wait.taskId)}>
                <TaskText text={wait.title} />
              </PageLink>
            </p>
            <span className="shrink-0 text-ink-soft">
              <Elapsed since={wait.since} timeZone="UTC" />
            </span>
          </div>
          <p className="mt-0.5 text-xs text-ink-faint">
            {wait.attemptId === null ? 'to begin' : 'while it runs'}, for <UseList uses={wait.resources} />
          </p>
          <ul className="mt-1 space-y-0.5 text-xs text-ink-soft">
            {wait.waitsFor.map((other) => (
              <li key={`${other.taskId}\n${other.resource}`} className="foreign">
                {other.holds ? 'held by ' : 'after '}
                <PageLink
                  href={taskHref(other.taskId)}
                  className="text-accent underline-offset-2 hover:underline"
                >
                  <TaskText text={other.title} />
                </PageLink>
                : <UseList uses={[other]} />
              </li>
            ))}
          </ul>
        </li>
      ))}
    </ol>
  );
}
