import { join } from 'node:path';
import { hasGitCode, openRepository, preparePrompt } from '@neolith/daemon';
import { neolithHome } from '@neolith/database/home';
import { type ConnectionFlags, resolveConnection } from '../connection/resolveConnection.js';
import type { Terminal } from '../output/terminal.js';

export interface PromptFlags extends ConnectionFlags {
  readonly agent: string;
  readonly repoPath?: string;
}

/** `neolith prompt TASK`: what an agent would be told about it, for a person to read or to hand on. */
export async function prompt(terminal: Terminal, taskId: string, options: PromptFlags): Promise<void> {
  const home = neolithHome();
  const { client, token } = resolveConnection(options, process.env, home);
  const context = await client.getTaskContext({ params: { id: taskId } });
  const text = await preparePrompt({
    context,
    agent: options.agent,
    directory: await findDirectory(options, home),
    secrets: [token],
  });
  terminal.verbatim(text.trimEnd());
}

/** The repository that was named, or the one that we are in, if any. */
async function findDirectory({ repoPath }: PromptFlags, home: string): Promise<string | null> {
  try {
    const repository = await openRepository({
      path: repoPath ?? '.',
      worktreesDirectory: join(home, 'worktrees'),
      lookOnly: true,
      environment: process.env,
    });
    return repository.openedPath;
  } catch (error) {
    if (repoPath === undefined && hasGitCode(error, 'NOT_A_REPOSITORY')) return null;
    throw error;
  }
}
