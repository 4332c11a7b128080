/**
 * The order where nothing else is configured: first agents that do any task, then what an operator has set up to
 * run for each task. Others that are available follow by name, but for those of `ONLY_WHEN_ASKED`.
 */
export const DEFAULT_AGENT_ORDER = [
  'claude',
  'codex',
  'gemini',
  'opencode',
  'copilot',
  'cursor',
  'cline',
  'aider',
  'script',
  'shell',
] as const;

export const TOOL_AGENT = 'tool';
/**
 * Both are always there, so by default they would get whatever nobody else can do: tasks that no tool understands,
 * and tasks for which no person sits at an editor. Where the list names no others, somebody asked for them.
 */
export const ONLY_WHEN_ASKED: ReadonlySet<string> = new Set([TOOL_AGENT, 'windsurf']);
