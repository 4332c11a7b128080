import { findAgentInstructions } from './agentInstructions.js';
import { PROMPT_BUDGETS } from './budgets.js';
import { data, ours, type PromptBlock, type PromptSection } from './promptBlock.js';
import type { PromptParts } from './promptParts.js';
import { createBudget, shortenText } from './shortenText.js';

type Clean = (text: string) => string;

/** Where the work is done: the repository and how one writes in it, the worktree and its branch. */
export function makeProjectSections(
  { project, worktree, agent }: PromptParts,
  clean: Clean,
): PromptSection[] {
  return [
    { heading: 'Project context', blocks: project === null ? [] : describeProject(project, clean) },
    {
      heading: 'Working directory',
      blocks: worktree === null ? [] : describeWorktree(worktree, agent, clean),
    },
  ];
}

function describeProject(project: NonNullable<PromptParts['project']>, clean: Clean): PromptBlock[] {
  const facts = [
    project.name === undefined ? '' : `Name: ${project.name}`,
    project.technologies.length === 0 ? '' : `Technologies: ${project.technologies.join(', ')}`,
    ...project.commands.map(({ purpose, command }) => `Command for ${purpose}: ${command}`),
  ];
  const budget = createBudget(PROMPT_BUDGETS.standardsFiles);
  const standards = project.standards.flatMap(({ file, text }) => {
    if (text.trim() === '') return [];
    const shown = budget.spend(clean(`File: ${file}\n\n${text}`), PROMPT_BUDGETS.standardsFile);
    return shown === null ? [] : [data('standards', shown)];
  });
  const leftOut = project.standards.filter(({ text }) => text.trim() !== '').length - standards.length;
  return [
    data('project', shortenText(clean(facts.filter(Boolean).join('\n')), PROMPT_BUDGETS.projectFacts)),
    ours(
      project.commands.length === 0
        ? ''
        : 'Before you end, run those of these commands that concern what you changed, and say what they gave.',
    ),
    ours(standards.length === 0 ? '' : 'How code and text are written in this repository:'),
    ...standards,
    ours(leftOut === 0 ? '' : `Left out for length: ${leftOut} more of these files.`),
  ];
}

function describeWorktree(
  worktree: NonNullable<PromptParts['worktree']>,
  agent: string,
  clean: Clean,
): PromptBlock[] {
  // Where a person does the work nobody is there afterwards to commit it.
  const isPerson = findAgentInstructions(agent).reports === 'person';
  const { directory, branch, baseCommit, targetBranch } = worktree;
  return [
    data(
      'worktree',
      clean(
        [
          `Directory: ${directory}`,
          `Branch: ${branch}`,
          `Begun at commit: ${baseCommit}`,
          `To be merged into: ${targetBranch}`,
        ].join('\n'),
      ),
    ),
    ours(
      `Work in this directory only; it is a worktree of your own. ${isPerson ? 'Commit the work on this branch when it is done; do' : 'Do not commit; what you leave here is committed on the branch and merged for you. Do'} not push, change branches or touch other worktrees.`,
    ),
  ];
}
