import { overviewSchema, rankingSchema } from '@neolith/contracts';
import type { WorkEngine } from '@neolith/work-engine';
import { Live } from '@/components/live/Live';
import { OverviewView } from '@/components/overview/OverviewView';
import { Refusal } from '@/components/ui/Refusal';
import { loadPage } from '@/lib/loadPage';
import { toJson } from '@/lib/toJson';

/** For so many orchestrators the first paint already says what is next; the others' follows with the first events. */
const NEXT_AT_FIRST = 50;

async function loadOverview(engine: WorkEngine) {
  const overview = await engine.getOverview();
  const heads = await Promise.all(
    overview.orchestrators.slice(0, NEXT_AT_FIRST).map(async ({ orchestrator }) => {
      const ranking = await engine.rankTasks(orchestrator.id, { limit: 1 });
      return [orchestrator.id, toJson(rankingSchema, ranking)] as const;
    }),
  );
  return { overview: toJson(overviewSchema, overview), next: Object.fromEntries(heads) };
}

export default async function OverviewPage() {
  const loaded = await loadPage(loadOverview);
  if ('refusal' in loaded) return <Refusal refusal={loaded.refusal} />;
  const { overview, next } = loaded.data;
  return (
    <Live cursor={overview.cursor} now={Date.now()}>
      <OverviewView initial={overview} initialNext={next} />
    </Live>
  );
}
