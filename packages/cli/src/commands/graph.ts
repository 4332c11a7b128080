import { drawDot, drawMermaid, formatPlan } from '@neolith/contracts';
import { type NormalisedPlan, toWrittenPlan } from '@neolith/daemon';
import { neolithHome } from '@neolith/database/home';
import { findRun } from '../connection/findRun.js';
import { type ConnectionFlags, resolveConnection } from '../connection/resolveConnection.js';
import { analysePlan } from '../graph/analysePlan.js';
import { describeGraph } from '../graph/describeGraph.js';
import { loadPlan, type PlanFlags } from '../import/loadPlan.js';
import type { Terminal } from '../output/terminal.js';
import { choosePlanOrRun } from './choosePlanOrRun.js';

export type GraphForm = 'text' | 'dot' | 'mermaid' | 'plan';

export interface GraphFlags extends ConnectionFlags, Omit<PlanFlags, 'format'> {
  readonly run?: string;
  readonly format: GraphForm;
  readonly from?: NonNullable<PlanFlags['format']>;
}

const DRAW: Readonly<Record<Exclude<GraphForm, 'text'>, (plan: NormalisedPlan) => string>> = {
  dot: (plan) => drawDot(toWrittenPlan(plan)),
  mermaid: (plan) => drawMermaid(toWrittenPlan(plan)),
  plan: (plan) => formatPlan(toWrittenPlan(plan)),
};

/** `neolith graph PLAN` or `--run RUN`: shows or draws it. For a plan no server is needed. */
export async function graph(
  terminal: Terminal,
  path: string | undefined,
  options: GraphFlags,
): Promise<void> {
  const wanted = choosePlanOrRun(path, options.run);
  if ('run' in wanted) await graphOfRun(terminal, wanted.run, options);
  else await graphOfPlan(terminal, wanted.plan, options);
}

async function graphOfPlan(terminal: Terminal, path: string, options: GraphFlags): Promise<void> {
  const { format, from, ...rest } = options;
  const { plan } = await loadPlan(terminal, path, {
    ...rest,
    ...(from === undefined ? {} : { format: from }),
  });
  if (format !== 'text') {
    print(terminal, options, DRAW[format](plan));
    return;
  }
  const analysis = { name: plan.name, ...analysePlan(plan) };
  if (options.json) terminal.json({ run: null, format: 'json', text: null, graph: analysis });
  else for (const line of describeGraph(analysis, widthOf(terminal))) terminal.out(line);
}

async function graphOfRun(terminal: Terminal, wanted: string, options: GraphFlags): Promise<void> {
  const { client } = resolveConnection(options, process.env, neolithHome());
  const run = await findRun(client, wanted);
  const format = options.format === 'text' ? 'json' : options.format;
  const answer = await client.getRunGraph({
    params: { id: run.id },
    query: { format },
    timeoutMs: 60_000,
  });
  if (answer.text !== null) {
    print(terminal, options, answer.text);
    return;
  }
  if (answer.graph === null) throw new Error(`The server gave no graph of ${run.id}.`);
  const named = { name: run.name, ...answer.graph };
  if (options.json) terminal.json({ run: run.id, format: 'json', text: null, graph: named });
  else for (const line of describeGraph(named, widthOf(terminal))) terminal.out(line);
}

function print(terminal: Terminal, options: GraphFlags, text: string): void {
  if (options.json) terminal.json({ run: options.run ?? null, format: options.format, text, graph: null });
  else terminal.verbatim(text.trimEnd());
}

/** Elsewhere than on a terminal lines may be as long as they like. */
function widthOf({ isTerminal, style }: Terminal) {
  return { columns: isTerminal ? process.stdout.columns || 80 : 200, style };
}
