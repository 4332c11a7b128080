import { type endpoints, formatId, parseId, type RunGraph } from '@neolith/contracts';
import type { Call } from './http/handle';
import { drawDot, drawMermaid, type RunDrawing, writePlan } from './runDrawings';

const DRAW: Record<Exclude<RunGraph['format'], 'json'>, (graph: RunDrawing) => string> = {
  dot: drawDot,
  mermaid: drawMermaid,
  plan: writePlan,
};

/** The graph of a run as data, or drawn in the form asked for. */
export async function drawRunGraph({ engine, input }: Call<typeof endpoints.getRunGraph>): Promise<RunGraph> {
  const { format } = input.query;
  const { name, ...graph } = await engine.getRunGraph(input.params.id);
  const runId = formatId('run', parseId('run', input.params.id) as string);
  return format === 'json'
    ? { runId, format, text: null, graph }
    : { runId, format, text: DRAW[format]({ name, ...graph }), graph: null };
}
