import type { TaskExecutionContext } from '@neolith/contracts';
import { PROMPT_BUDGETS } from './budgets.js';
import { data, ours, type PromptBlock, type PromptSection } from './promptBlock.js';
import type { PromptParts } from './promptParts.js';
import { createBudget, shortenText } from './shortenText.js';

type Clean = (text: string) => string;

/** The sections that the rest of a task's context fills: results it builds on, attempts before, who it is done for. */
export function makeContextSections({ context, worktree }: PromptParts, clean: Clean): PromptSection[] {
  return [
    {
      heading: 'Results of the tasks before',
      blocks: describeDependencies(context, worktree !== null, clean),
    },
    { heading: 'Tasks around it', blocks: describeRelated(context, clean) },
    { heading: 'Earlier attempts', blocks: describeAttempts(context, clean) },
    { heading: 'Answer of a person', blocks: describeAnswer(context, clean) },
    { heading: 'Charter', blocks: describeCharter(context, clean) },
  ];
}

function describeDependencies(
  { dependencies }: TaskExecutionContext,
  hasWorktree: boolean,
  clean: Clean,
): PromptBlock[] {
  if (dependencies.length === 0) return [];
  const budget = createBudget(PROMPT_BUDGETS.dependencyResults);
  const blocks: PromptBlock[] = [];
  for (const dependency of dependencies) {
    const text = budget.spend(clean(describeDependency(dependency)), PROMPT_BUDGETS.dependencyResult);
    if (text === null) break;
    blocks.push(data('dependency', text));
  }
  const leftOut = dependencies.length - blocks.length;
  return [
    ours(
      `This task builds on them.${hasWorktree ? ' What was merged of their work is in your branch already.' : ''}`,
    ),
    ...blocks,
    ours(leftOut === 0 ? '' : `Left out for length: ${leftOut} more.`),
  ];
}

function describeDependency(dependency: TaskExecutionContext['dependencies'][number]): string {
  const { title, status, taskId, result } = dependency;
  const lines = [`Task: ${title} (${taskId}, ${status})`];
  if (result?.output !== null && result?.output !== undefined) {
    const { output } = result;
    lines.push(`Output:\n${typeof output === 'string' ? output : JSON.stringify(output, null, 2)}`);
  }
  for (const { type, content } of result?.artifacts ?? []) lines.push(`Artifact (${type}):\n${content}`);
  if (result?.error) lines.push(`Error: ${result.error}`);
  return lines.join('\n');
}

function describeRelated({ relatedTasks }: TaskExecutionContext, clean: Clean): PromptBlock[] {
  if (relatedTasks.length === 0) return [];
  const lines = relatedTasks.map(
    ({ title, status, relation }) =>
      `- ${status} ${title} (${relation === 'tags' ? 'shares tags' : relation})`,
  );
  return [
    ours('Others do these: leave them alone.'),
    data('related', shortenText(clean(lines.join('\n')), PROMPT_BUDGETS.relatedTasks)),
  ];
}

function describeAttempts({ previousAttempts }: TaskExecutionContext, clean: Clean): PromptBlock[] {
  if (previousAttempts.length === 0) return [];
  const budget = createBudget(PROMPT_BUDGETS.previousAttempts);
  const attempts = previousAttempts.flatMap(({ number, status, error }) => {
    const said = error === null || error.trim() === '' ? '' : `: ${error}`;
    return budget.spend(clean(`Attempt ${number}: ${status}${said}`), PROMPT_BUDGETS.previousAttempt) ?? [];
  });
  return [
    ours('This task was tried before, the latest first. Find out what went wrong and do it differently.'),
    data('attempts', attempts.join('\n')),
  ];
}

function describeAnswer({ task }: TaskExecutionContext, clean: Clean): PromptBlock[] {
  if (task.answer === null || task.answer.trim() === '') return [];
  const question = task.blockedQuestion ?? task.blockedReason;
  const asked = question === null || question.trim() === '' ? '' : `Question: ${clean(question)}\n`;
  return [
    ours('The task was blocked, and somebody who may decide answered:'),
    data('answer', `${asked}Answer: ${clean(task.answer)}`),
  ];
}

function describeCharter(
  { charter, orchestrator, workspace, channel }: TaskExecutionContext,
  clean: Clean,
): PromptBlock[] {
  const lines: [string, string | null][] = [
    ['Orchestrator', orchestrator.name],
    ['Role', orchestrator.role],
    ['Discipline', orchestrator.discipline],
    ['Capabilities', orchestrator.capabilities.join(', ')],
    ['Mission', charter.mission],
    ['Vision', charter.vision],
    ['Values', charter.values.join('; ')],
    ['Expertise', charter.expertise.join('; ')],
    ['Workspace', workspace.name],
    ['Channel', channel === null ? null : [channel.name, channel.purpose].filter(Boolean).join(': ')],
  ];
  const text = lines
    .filter(([, value]) => value !== null && value.trim() !== '')
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n');
  if (text === '') return [];
  return [
    ours('You work for this orchestrator; where the task leaves a choice, choose as it would.'),
    data('charter', shortenText(clean(text), PROMPT_BUDGETS.charter)),
  ];
}
