import { COMMAND_VARIABLE } from '../asking/protocol.js';
import { findAgentInstructions } from './agentInstructions.js';
import { data, ours, type PromptSection } from './promptBlock.js';
import type { PromptParts } from './promptParts.js';

type Clean = (text: string) => string;

/** What the task has for itself, and how its agent asks for more. */
export function makeResourceSection({ context, agent, mayAsk }: PromptParts, clean: Clean): PromptSection {
  const { resources } = context.task;
  const held = resources.map(({ resource, mode }) => `- ${resource}${mode === 'shared' ? ' (shared)' : ''}`);
  const canAsk = mayAsk === true && findAgentInstructions(agent).runsCommands !== false;
  return {
    heading: 'Resources',
    blocks: [
      ...(held.length === 0
        ? []
        : [
            ours('These are yours until you are done; tasks that need them wait meanwhile:'),
            data('resources', clean(held.join('\n'))),
          ]),
      ours(canAsk ? ASKING : ''),
    ],
  };
}

const ASKING = [
  'Other agents work beside you. Before you use something that two must not use at once and that is not yours yet (a port, a database, files far from your task), ask for it, all at once, and wait:',
  '',
  `- \`"$${COMMAND_VARIABLE}" acquire port:3000 'path:src/api/**' --wait 5m\``,
  '- Exit code 0: it is yours until you are done. 8: somebody else has it; do without, or ask again later. 9 or 10: this attempt is over; end your work at once and leave everything where it is.',
].join('\n');
