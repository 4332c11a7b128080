import { neolithHome } from '@neolith/database/home';
import { findTask } from '../connection/findAttempt.js';
import { type ConnectionFlags, resolveConnection } from '../connection/resolveConnection.js';
import { plainLine, type Terminal } from '../output/terminal.js';

/** `neolith answer TASK [TEXT]`: lifts what a task was reported to wait for; the answer becomes part of what its agent is told. */
export async function answer(
  terminal: Terminal,
  wanted: string,
  words: readonly string[],
  options: ConnectionFlags & { readonly json?: true },
): Promise<void> {
  const { client } = resolveConnection(options, process.env, neolithHome());
  const { id } = await findTask(client, wanted);
  const text = words.join(' ');
  const task = await client.unblockTask({ params: { id }, body: text === '' ? {} : { answer: text } });
  if (options.json) terminal.json({ task });
  else terminal.out(`${plainLine(task.title)} (${task.id}) is ${task.status} now.`);
}
