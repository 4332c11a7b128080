import type { TaskExecutionContext } from '@neolith/contracts';
import type { AttemptWorktree } from '../git/repository.js';
import { createRedactor } from '../process/redactSecrets.js';
import { drawDelimiter } from './delimiter.js';
import type { ProjectFacts } from './promptParts.js';
import { readProjectFacts } from './readProjectFacts.js';
import { writeTaskPrompt } from './writeTaskPrompt.js';

export interface PreparePromptInput {
  readonly context: TaskExecutionContext;
  /** See `INSTRUCTED_AGENTS`; others get what holds for all. */
  readonly agent: string;
  /** Of the project, to read its facts from. Null: the agent works in no repository. */
  readonly directory: string | null;
  /** Facts that were read already: `directory` is then not looked at. */
  readonly project?: ProjectFacts | null;
  /** Default: none yet, as for a prompt that is only shown. */
  readonly worktree?: AttemptWorktree | null;
  /** Taken out of everything that comes from outside; what is shaped like a token goes in any case. */
  readonly secrets?: readonly string[];
  /** Whether it finds the socket by which it can ask for resources. Default false, as for a prompt that is only shown. */
  readonly mayAsk?: boolean;
  /** Default: drawn at random. */
  readonly delimiter?: string;
}

/** Reads what is to be known of the project and writes the prompt. Rejects when the directory can't be read. */
export async function preparePrompt(input: PreparePromptInput): Promise<string> {
  const project = await readFacts(input);
  const { redact } = createRedactor(input.secrets ?? []);
  return writeTaskPrompt({
    context: input.context,
    project,
    worktree: input.worktree ?? null,
    agent: input.agent,
    mayAsk: input.mayAsk ?? false,
    delimiter: input.delimiter ?? drawDelimiter(),
    redact,
  });
}

/** Prompts for many tasks, in their order; the facts of each directory are read once. */
export async function preparePrompts(list: readonly PreparePromptInput[]): Promise<string[]> {
  const facts = new Map<string, ProjectFacts>();
  const prompts: string[] = [];
  for (const input of list) {
    const { directory } = input;
    if (directory === null || input.project !== undefined) {
      prompts.push(await preparePrompt(input));
      continue;
    }
    const project = facts.get(directory) ?? (await readProjectFacts(directory));
    facts.set(directory, project);
    prompts.push(await preparePrompt({ ...input, project }));
  }
  return prompts;
}

async function readFacts({ directory, project }: PreparePromptInput): Promise<ProjectFacts | null> {
  if (project !== undefined) return project;
  return directory === null ? null : readProjectFacts(directory);
}
