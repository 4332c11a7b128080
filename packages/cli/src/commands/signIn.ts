import { neolithHome } from '@neolith/database/home';
import { type ConnectionFlags, resolveConnection } from '../connection/resolveConnection.js';
import type { Terminal } from '../output/terminal.js';

/** `neolith sign-in`: only the link on stdout, so that it can be handed on. */
export async function signIn(terminal: Terminal, options: ConnectionFlags & { json?: true }): Promise<void> {
  const { client } = resolveConnection(options, process.env, neolithHome());
  const { url, expiresAt } = await client.createSignInLink({ body: {} });
  if (options.json) {
    terminal.json({ url, expiresAt });
    return;
  }
  terminal.out(url);
  terminal.note(`Opens the dashboard once, until ${expiresAt.toISOString()}.`);
}
