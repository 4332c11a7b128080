import { TaskText } from '@/components/ui/TaskText';
import { plural } from '@/lib/formatNumber';
import type { RedriveResultJson } from '@/lib/wire';

/** What came of a redrive: how many, and of each that was refused why. */
export function RedriveReport({
  result: { redriven, refused, more },
  titles,
  onClose,
}: {
  result: RedriveResultJson;
  titles: ReadonlyMap<string, string>;
  onClose(): void;
}) {
  return (
    <div role="status" className="mt-4 rounded-xl border border-line bg-surface p-4 text-sm">
      <div className="flex items-start justify-between gap-4">
        <p className="font-medium">
          {plural(redriven.length, 'task')} redriven
          {refused.length === 0 ? '' : `, ${refused.length} refused`}
          {more ? '. More are left; do it again for the next 500' : ''}.
        </p>
        <button
          type="button"
          onClick={onClose}
          className="rounded px-2 text-xs text-accent underline-offset-2 hover:underline"
        >
          Close
        </button>
      </div>
      {refused.length === 0 ? null : (
        <ul className="mt-2 space-y-1 text-ink-soft">
          {refused.map(({ taskId, code, message }) => (
            <li key={taskId} className="foreign">
              <span className="font-medium text-ink">
                <TaskText text={titles.get(taskId) ?? taskId} />
              </span>
              : <TaskText text={message} /> <span className="font-mono text-xs text-ink-faint">{code}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
