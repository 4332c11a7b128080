import { PageLink, taskHref } from '@/components/ui/PageLink';
import { Panel } from '@/components/ui/Panel';
import { TONES, ToneDot } from '@/components/ui/StatusBadge';
import { TaskText } from '@/components/ui/TaskText';
import type { WaveColumn, WaveColumns, WaveTask } from '@/lib/arrangeWaves';
import { formatCount, plural } from '@/lib/formatNumber';
import { showControls } from '@/lib/showControls';
import { TASK_STATUS_LOOK } from '@/lib/statusLook';
import type { RunProgressJson } from '@/lib/wire';

/** The waves of the run side by side; each task in the colour of its status. */
export function WavesPanel({ waves, progress }: { waves: WaveColumns; progress: RunProgressJson }) {
  const { columns, before, after } = waves;
  const openOf = new Map(progress.waves.map(({ wave, live, blocked }) => [wave, live + blocked]));
  const cut = [
    before > 0 ? `${plural(before, 'wave')} before` : '',
    after > 0 ? `${plural(after, 'wave')} after` : '',
  ]
    .filter((part) => part !== '')
    .join(', ');
  return (
    <Panel
      id="waves"
      title="Waves"
      aside={cut === '' ? `${formatCount(columns.length)}, bold on the critical path` : `${cut} not shown`}
      flush
    >
      {columns.length === 0 ? (
        <p className="px-4 py-6 text-center text-sm text-ink-soft">The run has no tasks yet.</p>
      ) : (
        <ol className="flex snap-x scroll-px-4 gap-3 overflow-x-auto p-4">
          {columns.map((column) => (
            <Column key={column.wave} column={column} open={openOf.get(column.wave) ?? 0} />
          ))}
        </ol>
      )}
    </Panel>
  );
}

function Column({ column, open }: { column: WaveColumn; open: number }) {
  const { wave, total, tasks } = column;
  const headingId = `wave-${wave}`;
  return (
    <li
      aria-labelledby={headingId}
      className="w-56 min-w-44 shrink-0 snap-start sm:flex-1 sm:basis-44 sm:max-w-72"
    >
      <h3 id={headingId} className="flex items-baseline justify-between gap-2 text-xs">
        <span className="font-medium">Wave {wave}</span>
        <span className="tabular text-ink-faint">
          {open === 0 ? plural(total, 'task') : `${formatCount(open)} of ${formatCount(total)} open`}
        </span>
      </h3>
      <ul className="mt-2 space-y-1">
        {tasks.map((task) => (
          <Tile key={task.id} task={task} />
        ))}
      </ul>
      {total > tasks.length ? (
        <p className="mt-1.5 text-xs text-ink-faint">and {formatCount(total - tasks.length)} more</p>
      ) : null}
    </li>
  );
}

function Tile({ task }: { task: WaveTask }) {
  const { label, tone } = TASK_STATUS_LOOK[task.status];
  // Its turn has not come yet, which is no trouble; what somebody reported is.
  const waits = task.status === 'BLOCKED' && task.blockedReason === null;
  return (
    <li
      className={`relative flex items-center gap-2 rounded-md border px-2 py-1.5 text-xs ${waits ? 'border-dashed border-line text-ink-soft' : `border-transparent ${TONES[tone].tint}`}`}
      title={`${waits ? 'Blocked until what it depends on is done' : label}: ${showControls(task.title)}${task.blockedReason === null ? '' : ` (${showControls(task.blockedReason)})`}`}
      data-task={task.id}
      data-status={task.status}
    >
      <ToneDot tone={waits ? 'neutral' : tone} />
      <span className={`min-w-0 grow truncate ${task.critical ? 'font-semibold' : ''}`}>
        <PageLink href={taskHref(task.id)} className="stretched rounded hover:underline underline-offset-2">
          <TaskText text={task.title} />
        </PageLink>
      </span>
      <span className="sr-only">{label}</span>
      {task.status === 'IN_PROGRESS' ? (
        <span className={`tabular shrink-0 font-medium ${TONES[tone].text}`}>{task.progress} %</span>
      ) : null}
    </li>
  );
}
