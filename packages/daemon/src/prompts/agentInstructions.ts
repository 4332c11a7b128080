/**
 * How an agent is heard. `stdout`: what it prints is read line by line. `messages`: it reports in a format of its
 * own, and lines of the protocol count where they stand in its messages. `person`: somebody answers for it.
 */
export type AgentReports = 'stdout' | 'messages' | 'person';

export interface AgentInstructions {
  readonly title: string;
  readonly reports: AgentReports;
  /** What this agent must be told and others needn't. */
  readonly lines: readonly string[];
  /** False where it can't run any command of its own choice. */
  readonly runsCommands?: false;
}

/** One entry per agent. */
const INSTRUCTIONS = {
  claude: {
    title: 'Claude Code',
    reports: 'messages',
    lines: [
      'You run without a terminal: nobody approves a plan or answers a question. Keep a to-do list if it helps you, then do the work in this session.',
      'Read a file before you edit it, and prefer edits to rewriting whole files.',
    ],
  },
  cursor: {
    title: 'the Cursor agent',
    reports: 'messages',
    lines: [
      'You run as a command, without the editor: there is no open file and no selection. Find the files yourself.',
      'Apply your changes; a proposal that nobody accepts is lost.',
    ],
  },
  copilot: {
    title: 'the GitHub Copilot command',
    reports: 'messages',
    lines: [
      'You run without a terminal. Change files here; open no pull request and no issue, and start no session elsewhere.',
    ],
  },
  gemini: {
    title: 'the Gemini command',
    reports: 'messages',
    lines: [
      'You run without a terminal: commands that wait for input would wait for ever, so call them with their non-interactive options.',
      'Change files with your tools; code that only stands in your answer is lost.',
    ],
  },
  cline: {
    title: 'Cline',
    reports: 'messages',
    lines: [
      'You run without an editor and with nobody to approve steps: act at once, and complete the task once, when all of it is done.',
    ],
  },
  windsurf: {
    title: 'Windsurf',
    reports: 'person',
    runsCommands: false,
    lines: [
      'A person has opened this in the editor and works with you. Do the task in the working directory that is named here, and in no other folder that is open.',
      'When it is done, that person answers the question that the task waits with; the answer is its result.',
    ],
  },
  codex: {
    title: 'Codex',
    reports: 'messages',
    lines: [
      'You run without a terminal and in a sandbox: only the working directory can be written, and the network may be closed. Where that stops you, report the task as blocked; look for no way around it.',
      'Change files; a patch that only stands in your answer is lost.',
    ],
  },
  aider: {
    title: 'aider',
    reports: 'stdout',
    runsCommands: false,
    lines: [
      'You get this as one message and nobody adds files for you: name the files you need, and edit them in this same session.',
      'Give whole, applicable edits; leave committing to the daemon.',
    ],
  },
  opencode: {
    title: 'opencode',
    reports: 'messages',
    lines: [
      'You run without a terminal: nobody approves a step or answers a question. Change files with your tools; code that only stands in your answer is lost.',
    ],
  },
  shell: {
    title: 'a command',
    reports: 'stdout',
    lines: ['The task is also there as JSON, in the file that NEOLITH_CONTEXT_FILE names.'],
  },
  script: {
    title: 'a script',
    reports: 'stdout',
    lines: [
      'The task is also there as JSON, in the file that NEOLITH_CONTEXT_FILE names, or in what your function is given.',
    ],
  },
  tool: {
    title: 'a built-in tool',
    reports: 'stdout',
    runsCommands: false,
    lines: [
      'The tool does what the metadata of the task spell out; these words are for whoever reads along.',
    ],
  },
} as const satisfies Record<string, AgentInstructions>;

/** The agents that have instructions of their own. */
export const INSTRUCTED_AGENTS = Object.keys(INSTRUCTIONS);

/** What an agent of that name is told; for one that we don't know, what holds for all that print lines. */
export function findAgentInstructions(agent: string): AgentInstructions {
  if (Object.hasOwn(INSTRUCTIONS, agent)) return INSTRUCTIONS[agent as keyof typeof INSTRUCTIONS];
  return { title: 'an agent', reports: 'stdout', lines: [] };
}
