import type { ConnectionFlags } from '../connection/resolveConnection.js';
import type { Terminal } from '../output/terminal.js';

/** `neolith attach`: a run is watched, a task's output followed; nothing is changed. */
export async function attach(
  terminal: Terminal,
  what: string,
  options: ConnectionFlags & { readonly json?: true },
): Promise<void> {
  if (what.startsWith('task_')) {
    const { logs } = await import('./logs.js');
    await logs(terminal, what, { ...options, follow: true });
    return;
  }
  const { watch } = await import('./watch.js');
  await watch(terminal, what, options);
}
