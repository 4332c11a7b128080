import type { CandidateState, RouteStrategy } from '@neolith/contracts';
import { DEFAULT_AGENT_ORDER, ONLY_WHEN_ASKED, TOOL_AGENT } from './agentOrder.js';
import type { AgentAvailability } from './assignAgents.js';
import { matchRule, type RoutedTask, type RuleMatch } from './matchRule.js';
import { type MeasuredAgent, rankByFigures } from './rankByFigures.js';
import { type RouterConfig, readStrategy, type StrategySettings } from './routerConfig.js';

export interface RouteInput {
  readonly task: RoutedTask;
  readonly agents: readonly AgentAvailability[];
  readonly configuration: RouterConfig;
  /** For `auto`. Default: nothing is known. */
  readonly figures?: readonly MeasuredAgent[];
  /** For `round_robin`: whose turn it was last by that rule. Default: nobody's. */
  readonly lastTurn?: (group: string) => string | null;
  /** For `auto`: how often an agent was given a task of that type since the figures began. Default: never. */
  readonly picked?: (taskType: string, agent: string) => number;
  /** Agents whose provider failed when they were last tried at this very task. Default: none. */
  readonly failedBefore?: ReadonlySet<string>;
  /** For `auto`; in [0, 1). Default: always one half. */
  readonly random?: () => number;
}

export interface RouteCandidate {
  readonly agent: string;
  readonly state: CandidateState;
  /** For people; may be empty. */
  readonly reason: string;
}

export interface RouteDecision {
  /** Null: none may do it now. */
  readonly agent: string | null;
  /** Next in line; null: there is no other. */
  readonly next: string | null;
  /** The name of the rule that gave the agent; null: the defaults. */
  readonly rule: string | null;
  /** Under which its turn is remembered. */
  readonly group: string;
  readonly strategy: RouteStrategy;
  /** From 0 to 1; see `decideRoute`. */
  readonly confidence: number;
  /** A sentence for people. */
  readonly reason: string;
  /** Everybody who was looked at, in the order wanted. */
  readonly candidates: readonly RouteCandidate[];
}

const PROVIDER_FAILED = 'its provider failed at this task';
/** What nobody asked for is at best as likely right as wrong. */
const DEFAULT_CONFIDENCE = 0.5;
/** Each agent that the configuration wants more and that isn't there takes a fifth away. */
const PASSED_OVER = 0.8;

interface Group {
  readonly key: string;
  /** Null: the defaults. */
  readonly rule: { readonly name: string; readonly match: RuleMatch } | null;
  readonly agents: readonly string[];
  readonly strategy: StrategySettings;
}

interface Candidate {
  readonly agent: string;
  readonly group: Group;
  /** What the strategy says of it. */
  readonly note: string;
}

/**
 * Decides who does a task. Candidates are the agents of every rule that matches, in the order of the rules, then the
 * built-in tool where the task spells out what it is to do, then the defaults; among the agents of one rule its strategy
 * decides the order. The first that may be used has the task, and the next is next in line; one whose provider failed at this
 * very task comes behind all others, for the task has only so many of such failures. After a rule without fallback
 * nobody else is looked at. Pure: the same input gives the same answer.
 *
 * The confidence is that of the task's type where the rule looked at type or complexity, 1 where it looked only
 * at what the task says outright, or for its own tool, and one half for the defaults; less a fifth for each agent passed over.
 */
export function decideRoute(input: RouteInput): RouteDecision {
  const { task, agents, configuration } = input;
  const known = new Map(agents.map((agent) => [agent.name, agent]));
  const isUsable = (agent: string) => known.get(agent)?.available === true;
  const candidates = listCandidates(input, isUsable);
  const failed = (agent: string) => input.failedBefore?.has(agent) === true;
  const usable = candidates.filter(({ agent }) => isUsable(agent));
  const [first, second] = [
    ...usable.filter(({ agent }) => !failed(agent)),
    ...usable.filter(({ agent }) => failed(agent)),
  ];
  const told = candidates.map((candidate) =>
    describeCandidate(
      failed(candidate.agent) ? { ...candidate, note: PROVIDER_FAILED } : candidate,
      known,
      first,
      second,
    ),
  );
  if (first === undefined) {
    const named = candidates.map(({ agent }) => describeAbsence(agent, known.get(agent)));
    return {
      ...{
        agent: null,
        next: null,
        rule: null,
        group: '',
        strategy: 'fixed',
        confidence: 0,
        candidates: told,
      },
      reason: `No agent is available${named.length === 0 ? '' : `: ${named.join(', ')}`}. Install one or log in, then look again (neolith doctor).`,
    };
  }
  // An agent of our own order that isn't installed was never asked for.
  const passed = candidates
    .slice(0, candidates.indexOf(first))
    .filter(({ group }) => group.rule !== null || configuration.defaultAgents !== undefined);
  const next = second?.agent ?? null;
  const { group } = first;
  return {
    agent: first.agent,
    next,
    rule: group.rule?.name ?? null,
    group: group.key,
    strategy: group.strategy.kind,
    confidence: judgeConfidence(task, first, passed.length),
    reason: [
      describeChoice(task, first),
      passed.length === 0
        ? ''
        : ` Wanted more but not available: ${passed
            .map(({ agent }) =>
              isUsable(agent) ? `${agent} (${PROVIDER_FAILED})` : describeAbsence(agent, known.get(agent)),
            )
            .join(', ')}.`,
      next === null ? ' No other agent is available.' : ` Next in line: ${next}.`,
    ].join(''),
    candidates: told,
  };
}

/** Each agent once, the most wanted first. */
function listCandidates(input: RouteInput, isUsable: (agent: string) => boolean): Candidate[] {
  const seen = new Set<string>();
  return listGroups(input).flatMap((group) => {
    const fresh = group.agents.filter((agent) => !seen.has(agent) && seen.add(agent));
    return orderGroup({ ...group, agents: fresh }, input, isUsable).map(({ agent, note }) => ({
      agent,
      group,
      note,
    }));
  });
}

function listGroups({ task, agents, configuration }: RouteInput): Group[] {
  const groups: Group[] = [];
  for (const [index, rule] of configuration.rules.entries()) {
    const match = matchRule(rule.when, task);
    if (!match.matches) continue;
    const name = rule.name ?? `rule ${index + 1}`;
    groups.push({
      // Two rules of one name are two rules.
      key: `${index}:${name}`,
      rule: { name, match },
      agents: rule.agents,
      strategy: readStrategy(rule.strategy),
    });
    if (rule.fallback === false) return groups;
  }
  if (spellsOutTool(task))
    groups.push({ key: 'tool', rule: null, agents: [TOOL_AGENT], strategy: readStrategy('fixed') });
  groups.push({
    key: 'defaults',
    rule: null,
    agents: configuration.defaultAgents ?? orderByDefault(agents),
    strategy: readStrategy(configuration.defaultStrategy),
  });
  return groups;
}

function orderGroup(
  group: Group,
  input: RouteInput,
  isUsable: (agent: string) => boolean,
): { agent: string; note: string }[] {
  const { agents, strategy } = group;
  switch (strategy.kind) {
    case 'fixed':
      return agents.map((agent) => ({ agent, note: '' }));
    case 'round_robin': {
      const last = agents.indexOf(input.lastTurn?.(group.key) ?? '');
      return [...agents.slice(last + 1), ...agents.slice(0, last + 1)].map((agent) => ({
        agent,
        note: 'its turn',
      }));
    }
    case 'auto': {
      const taskType = input.task.classification.type;
      const ranked = rankByFigures({
        agents: agents.filter(isUsable),
        taskType,
        figures: input.figures ?? [],
        costWeight: strategy.costWeight,
        durationWeight: strategy.durationWeight,
        picked: (agent) => input.picked?.(taskType, agent) ?? 0,
        random: input.random ?? (() => 0.5),
      });
      return [
        ...ranked.map(({ agent, reason }) => ({ agent, note: reason })),
        ...agents.filter((agent) => !isUsable(agent)).map((agent) => ({ agent, note: '' })),
      ];
    }
  }
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
  const { rule } = candidate.group;
  let confidence = isOwnTool(task, candidate) ? 1 : DEFAULT_CONFIDENCE;
  if (rule !== null) confidence = rule.match.isJudged ? task.classification.confidence : 1;
  return Math.round(confidence * PASSED_OVER ** passedOver * 100) / 100;
}

function isOwnTool(task: RoutedTask, { agent, group }: Candidate): boolean {
  return group.rule === null && agent === TOOL_AGENT && spellsOutTool(task);
}

function describeChoice(task: RoutedTask, candidate: Candidate): string {
  const { agent, group, note } = candidate;
  if (isOwnTool(task, candidate)) return `${agent}, because the task spells out what it is to do.`;
  const { kind } = group.strategy;
  const how =
    kind === 'fixed' ? '' : kind === 'auto' ? ` It was chosen by its record: ${note}.` : ' It is its turn.';
  if (group.rule === null) {
    return kind === 'fixed'
      ? `${agent} is the first of the default agents that is available; no rule gives one.`
      : `${agent}, of the default agents; no rule gives one.${how}`;
  }
  const { name, match } = group.rule;
  const why = match.reasons.length === 0 ? 'takes every task' : `matches (${match.reasons.join(', ')})`;
  return `${agent}, because the rule ${JSON.stringify(name)} ${why}.${how}`;
}

function describeAbsence(agent: string, availability: AgentAvailability | undefined): string {
  return `${agent} (${availability?.reason ?? (availability === undefined ? 'not known here' : 'not found')})`;
}

function describeCandidate(
  { agent, note }: Candidate,
  known: ReadonlyMap<string, AgentAvailability>,
  first: Candidate | undefined,
  second: Candidate | undefined,
): RouteCandidate {
  const availability = known.get(agent);
  if (availability?.available === true) {
    const state = agent === first?.agent ? 'chosen' : agent === second?.agent ? 'next' : 'waiting';
    return { agent, state, reason: note };
  }
  return {
    agent,
    state: availability?.state ?? 'absent',
    reason: availability?.reason ?? (availability === undefined ? 'not known here' : 'not found'),
  };
}
