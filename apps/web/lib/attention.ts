import { formatCount, plural } from './formatNumber';
import type { OrchestratorOverviewJson } from './wire';

/** What of an orchestrator is looked at. */
export type Observed = Pick<
  OrchestratorOverviewJson,
  'backlog' | 'daemonAlive' | 'successRate' | 'throughput'
> & {
  orchestrator: Pick<OrchestratorOverviewJson['orchestrator'], 'id' | 'status'>;
  running: { readonly length: number };
};

export interface Attention {
  severity: 'bad' | 'warn';
  /** What is wrong, and why. */
  text: string;
  /** What to do about it: a sentence, or a command to type. */
  remedy: string | null;
}

const LOW_SUCCESS_RATE = 50;
const ENOUGH_TO_JUDGE = 4;

/** What keeps an orchestrator from getting on with its work; the worst first, empty where all is well. */
export function attentionOf(row: Observed): Attention[] {
  const { orchestrator, backlog, running, daemonAlive } = row;
  const found: Attention[] = [];
  const available = orchestrator.status === 'ONLINE' || orchestrator.status === 'BUSY';

  if (!daemonAlive && running.length > 0) {
    found.push({
      severity: 'bad',
      text: `${plural(running.length, 'task')} running, but no daemon was heard for a minute`,
      remedy: 'Leases run out by themselves; the tasks come back to the queue.',
    });
  } else if (!daemonAlive && available && backlog.ready > 0) {
    found.push({
      severity: 'bad',
      text: `${plural(backlog.ready, 'task')} ready, but no daemon serves this orchestrator`,
      remedy: `npx neolith daemon --orchestrator ${orchestrator.id}`,
    });
  }
  if (!available && backlog.ready > 0) {
    found.push({
      severity: 'warn',
      text: `${orchestrator.status === 'AWAY' ? 'Away' : 'Offline'}: ${plural(backlog.ready, 'ready task')} not handed out`,
      remedy: 'Set its status to ONLINE to go on.',
    });
  }
  if (backlog.blocked > 0 && backlog.ready === 0 && backlog.delayed === 0 && running.length === 0) {
    found.push({
      severity: 'warn',
      text: `Nothing can start: ${backlog.blocked === 1 ? 'the only open task is' : `all ${formatCount(backlog.blocked)} open tasks are`} blocked`,
      remedy: null,
    });
  }
  const finished = row.throughput.reduce((sum, day) => sum + day.completed + day.failed, 0);
  if (row.successRate !== null && row.successRate < LOW_SUCCESS_RATE && finished >= ENOUGH_TO_JUDGE) {
    found.push({
      severity: 'warn',
      text: `Only ${Math.round(row.successRate)} % of the last 7 days’ tasks succeeded`,
      remedy: null,
    });
  }
  return found.sort((a, b) => Number(a.severity === 'warn') - Number(b.severity === 'warn'));
}
