import type { DaemonJson } from './wire';

const SILENT_AFTER_MS = 60_000;

/** Whether a daemon was heard within the last minute and has not said goodbye. */
export function isAlive(daemon: DaemonJson, now: number): boolean {
  return daemon.state !== 'STOPPED' && now - Date.parse(daemon.lastSeenAt) <= SILENT_AFTER_MS;
}
