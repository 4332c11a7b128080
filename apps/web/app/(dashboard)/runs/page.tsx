import { runPageSchema } from '@neolith/contracts';
import type { WorkEngine } from '@neolith/work-engine';
import type { Metadata } from 'next';
import { Live } from '@/components/live/Live';
import { RunListView } from '@/components/run/RunListView';
import { Refusal } from '@/components/ui/Refusal';
import { loadPage } from '@/lib/loadPage';
import { parseRunListChoice, type RunListChoice } from '@/lib/runList';
import { RUNS_LENGTH } from '@/lib/runPage';
import { toJson } from '@/lib/toJson';

interface Properties {
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}

export const metadata: Metadata = { title: 'Runs' };

async function loadRuns(engine: WorkEngine, { status, cursor }: RunListChoice) {
  // The cursor before the data: what happens in between is then told once more instead of missed.
  const place = await engine.currentCursor();
  const page = await engine.listRuns({
    limit: RUNS_LENGTH,
    ...(status === null ? {} : { status }),
    ...(cursor === null ? {} : { cursor }),
  });
  return { place, page: toJson(runPageSchema, page) };
}

const one = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value);

export default async function RunsPage({ searchParams }: Properties) {
  const { status, cursor } = await searchParams;
  const choice = parseRunListChoice({ status: one(status), cursor: one(cursor) });
  const loaded = await loadPage((engine) => loadRuns(engine, choice));
  if ('refusal' in loaded) return <Refusal refusal={loaded.refusal} />;
  const { place, page } = loaded.data;
  return (
    <Live cursor={place} now={Date.now()}>
      <RunListView initial={page} choice={choice} />
    </Live>
  );
}
