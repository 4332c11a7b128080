import { PROTOCOL_PREFIX } from '../agents/parseProtocolLine.js';
import { type AgentReports, findAgentInstructions } from './agentInstructions.js';
import { ours, type PromptSection } from './promptBlock.js';

/** The lines an agent may report by, each with what it is for. What they mean: `parseProtocolLine`. */
export const REPORT_LINES: readonly { readonly line: string; readonly meaning: string }[] = [
  { line: `${PROTOCOL_PREFIX}{"progress": 40, "message": "tests written"}`, meaning: 'how far you are, in percent' },
  {
    line: `${PROTOCOL_PREFIX}{"blocked": "the schema is not decided", "question": "Which of the two?"}`,
    meaning: 'you cannot go on before a person has decided; then end',
  },
  { line: `${PROTOCOL_PREFIX}{"output": {"summary": "what changed"}}`, meaning: 'the result, any JSON; the last one counts' },
];

const INTRODUCTION: Readonly<Record<AgentReports, string>> = {
  stdout: 'Print these as lines of their own, each whole on one line:',
  messages: 'Write these as lines of their own in what you say, each whole on one line, outside of code blocks:',
  person: 'The person who works with you reports for you; tell them:',
};

/** How this agent works, and how it says how far it is and what came out. */
export function makeReportSections(agent: string): PromptSection[] {
  const { title, reports, lines } = findAgentInstructions(agent);
  const result =
    'End with a summary of a few sentences: what you changed and where, how you checked it and what that gave, and what is left open. Tasks that depend on this one read it.';
  return [
    {
      heading: 'How you work',
      blocks: [ours([`You are ${title}.`, ...lines].map((line) => `- ${line}`).join('\n'))],
    },
    {
      heading: 'How to report',
      blocks: [
        ours(result),
        ours(
          reports === 'person'
            ? ''
            : [INTRODUCTION[reports], '', ...REPORT_LINES.map(({ line, meaning }) => `- \`${line}\`: ${meaning}`)].join(
                '\n',
              ),
        ),
      ],
    },
  ];
}
