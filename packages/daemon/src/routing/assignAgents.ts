import { matchRule, type RoutedTask, type RuleMatch } from './matchRule.js';
import { DEFAULT_ROUTER_CONFIG, type RouterConfig } from './routerConfig.js';

export interface AgentAvailability {
  readonly name: string;
  readonly available: boolean;
  /** Why it isn't, in a few words: `not installed`, `not logged in`. */
  readonly reason?: string;
}

export interface AgentAssignment {
  /** Null: not one agent is available. */
  readonly primary: string | null;
  /** Next in line where the primary one can't be had; null when there is no other. */
  readonly secondary: string | null;
  /** How sure the choice is, from 0 to 1; see `assignAgents`. */
  readonly confidence: number;
  /** A sentence for people. */
  readonly justification: string;
  /** Name of the rule that gave the primary agent; null for the defaults. */
  readonly rule: string | null;
}

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

const TOOL_AGENT = 'tool';
/**
 * Both are always there, so by default they would get whatever nobody else can do: tasks that no tool understands,
 * and tasks for which no person sits at an editor. Where the list names no others, somebody asked for them.
 */
const ONLY_WHEN_ASKED = new Set([TOOL_AGENT, 'windsurf']);

/** What nobody asked for is at best as likely right as wrong. */
const DEFAULT_CONFIDENCE = 0.5;
/** Each agent that the configuration wants more and that isn't there takes a fifth away. */
const PASSED_OVER = 0.8;

interface Candidate {
  readonly agent: string;
  /** Null: of the defaults. */
  readonly rule: { readonly name: string; readonly match: RuleMatch } | null;
}

/**
 * Chooses who does a task. Candidates are the agents of every rule that matches, in the order of the rules, then
 * the built-in tool where the task spells out what it is to do, then the defaults; of these the first that is
 * available is the primary and the next the secondary. The order is total, so the same input gives the same answer.
 *
 * The confidence is that of the task's type where the rule looked at type or complexity, 1 where it looked only
 * at what the task says outright, or for its own tool, and one half for the defaults; less a fifth for each agent passed over.
 */
export function assignAgents(
  task: RoutedTask,
  agents: readonly AgentAvailability[],
  configuration: RouterConfig = DEFAULT_ROUTER_CONFIG,
): AgentAssignment {
  const known = new Map(agents.map((agent) => [agent.name, agent]));
  const isAvailable = ({ agent }: Candidate) => known.get(agent)?.available === true;
  const candidates = listCandidates(task, agents, configuration);
  const [first, ...others] = candidates.filter(isAvailable);
  if (first === undefined) {
    const named = candidates.map(({ agent }) => describeAbsence(agent, known.get(agent)));
    return {
      primary: null,
      secondary: null,
      confidence: 0,
      justification: `No agent is available${named.length === 0 ? '' : `: ${named.join(', ')}`}. Install one or log in, then look again (neolith doctor).`,
      rule: null,
    };
  }
  // An agent of our own order that isn't installed was never asked for.
  const passed = candidates
    .slice(0, candidates.indexOf(first))
    .filter(({ rule }) => rule !== null || configuration.defaultAgents !== undefined);
  const secondary = others[0]?.agent ?? null;
  return {
    primary: first.agent,
    secondary,
    confidence: judgeConfidence(task, first, passed.length),
    justification: [
      describeChoice(task, first),
      passed.length === 0
        ? ''
        : ` Wanted more but not available: ${passed.map(({ agent }) => describeAbsence(agent, known.get(agent))).join(', ')}.`,
      secondary === null ? ' No other agent is available.' : ` Next in line: ${secondary}.`,
    ].join(''),
    rule: first.rule?.name ?? null,
  };
}

/** Each agent once, the most wanted first. */
function listCandidates(
  task: RoutedTask,
  agents: readonly AgentAvailability[],
  configuration: RouterConfig,
): Candidate[] {
  const byRules = configuration.rules.flatMap((rule, index) => {
    const match = matchRule(rule.when, task);
    if (!match.matches) return [];
    const named = { name: rule.name ?? `rule ${index + 1}`, match };
    return rule.agents.map((agent): Candidate => ({ agent, rule: named }));
  });
  const ownTool = spellsOutTool(task) ? [TOOL_AGENT] : [];
  const byDefault = [...ownTool, ...(configuration.defaultAgents ?? orderByDefault(agents))].map(
    (agent): Candidate => ({ agent, rule: null }),
  );
  const seen = new Set<string>();
  return [...byRules, ...byDefault].filter(({ agent }) => !seen.has(agent) && seen.add(agent));
}

function spellsOutTool({ tool }: RoutedTask): boolean {
  return tool !== undefined && tool !== null && tool !== '';
}

function orderByDefault(agents: readonly AgentAvailability[]): string[] {
  const all = [...new Set(agents.map(({ name }) => name))];
  const usual = all.filter((name) => !ONLY_WHEN_ASKED.has(name));
  const names = usual.length > 0 ? usual : all;
  const place = (name: string) => {
    const index = (DEFAULT_AGENT_ORDER as readonly string[]).indexOf(name);
    return index === -1 ? DEFAULT_AGENT_ORDER.length : index;
  };
  // Names by code unit: the same on every machine, whatever its language.
  return names.sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
}

function judgeConfidence(task: RoutedTask, candidate: Candidate, passedOver: number): number {
  const { rule } = candidate;
  let confidence = isOwnTool(task, candidate) ? 1 : DEFAULT_CONFIDENCE;
  if (rule !== null) confidence = rule.match.isJudged ? task.classification.confidence : 1;
  return Math.round(confidence * PASSED_OVER ** passedOver * 100) / 100;
}

function isOwnTool(task: RoutedTask, { agent, rule }: Candidate): boolean {
  return rule === null && agent === TOOL_AGENT && spellsOutTool(task);
}

function describeChoice(task: RoutedTask, candidate: Candidate): string {
  const { agent, rule } = candidate;
  if (isOwnTool(task, candidate)) return `${agent}, because the task spells out what it is to do.`;
  if (rule === null)
    return `${agent} is the first of the default agents that is available; no rule gives one.`;
  const { name, match } = rule;
  const why = match.reasons.length === 0 ? 'takes every task' : `matches (${match.reasons.join(', ')})`;
  return `${agent}, because the rule ${JSON.stringify(name)} ${why}.`;
}

function describeAbsence(agent: string, availability: AgentAvailability | undefined): string {
  return `${agent} (${availability?.reason ?? (availability === undefined ? 'not known here' : 'not found')})`;
}
