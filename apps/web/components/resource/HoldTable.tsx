import { PageLink, taskHref } from '@/components/ui/PageLink';
import { TaskText } from '@/components/ui/TaskText';
import { Elapsed } from '@/components/ui/Time';
import type { ResourceBoardJson } from '@/lib/wire';

/** Each resource that is held: how, by which task, for how long. */
export function HoldTable({ holds }: { holds: ResourceBoardJson['holds'] }) {
  return (
    <table className="w-full table-fixed text-sm">
      <thead>
        <tr className="border-b border-line text-left text-xs text-ink-faint">
          <th scope="col" className="px-4 py-2 font-normal">
            Resource
          </th>
          <th scope="col" className="px-2 py-2 font-normal">
            Held by
          </th>
          <th scope="col" className="w-20 px-4 py-2 text-right font-normal">
            For
          </th>
        </tr>
      </thead>
      <tbody className="divide-y divide-line">
        {holds.map(({ resource, mode, taskId, title, attemptId, since }) => (
          <tr key={`${attemptId}\n${resource}\n${mode}`} className="align-top">
            <td className="px-4 py-2.5">
              <span className="foreign block font-mono text-xs leading-5">
                <TaskText text={resource} />
              </span>
              <span className="text-xs text-ink-faint">{mode}</span>
            </td>
            <td className="foreign px-2 py-2.5">
              <PageLink href={taskHref(taskId)}>
                <TaskText text={title} />
              </PageLink>
            </td>
            <td className="px-4 py-2.5 text-right text-ink-soft">
              <Elapsed since={since} timeZone="UTC" />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
