import { PROTOCOL_PREFIX } from '../agents/parseProtocolLine.js';
import { type AgentReports, findAgentInstructions } from './agentInstructions.js';
import { ours, type PromptSection } from './promptBlock.js';

interface ReportLine {
  readonly line: string;
  readonly meaning: string;
}

/** Lines by which every agent may report. What they mean: `parseProtocolLine`. */
const REPORT_LINES: readonly ReportLine[] = [
  {
    line: `${PROTOCOL_PREFIX}{"progress": 40, "message": "tests written"}`,
    meaning: 'how far you are, in percent',
  },
  {
    line: `${PROTOCOL_PREFIX}{"blocked": "the schema is not decided", "question": "Which of the two?"}`,
    meaning: 'you cannot go on before a person has decided; then end',
  },
];
/** Where the last message isn't the result already. */
const RESULT_LINE: ReportLine = {
  line: `${PROTOCOL_PREFIX}{"output": {"summary": "what changed"}}`,
  meaning: 'the result, any JSON; the last one counts',
};

const INTRODUCTION = {
  stdout: 'Print these as lines of their own, each whole on one line:',
  messages:
    'Write these as lines of their own in what you say, each whole on one line, outside of code blocks:',
  person: '',
} as const satisfies Record<AgentReports, string>;

/** How this agent works, and how it says how far it is and what came out. */
export function makeReportSections(agent: string): PromptSection[] {
  const { title, reports, lines } = findAgentInstructions(agent);
  return [
    {
      heading: 'How you work',
      blocks: [ours([`You are ${title}.`, ...lines].map((line) => `- ${line}`).join('\n'))],
    },
    {
      heading: 'How to report',
      blocks: [
        ours(
          'End with a summary of a few sentences: what you changed and where, how you checked it and what that gave, and what is left open. Tasks that depend on this one read it.',
        ),
        ours(listReportLines(reports)),
      ],
    },
  ];
}

function listReportLines(reports: AgentReports): string {
  const lines = {
    stdout: [...REPORT_LINES, RESULT_LINE],
    messages: REPORT_LINES,
    person: [],
  }[reports];
  if (lines.length === 0) return '';
  return [INTRODUCTION[reports], '', ...lines.map(({ line, meaning }) => `- \`${line}\`: ${meaning}`)].join(
    '\n',
  );
}
