import type { Metadata } from 'next';
import { Live } from '@/components/live/Live';
import { OrchestratorView } from '@/components/orchestrator/OrchestratorView';
import { Refusal } from '@/components/ui/Refusal';
import { loadOrchestratorPage } from '@/lib/loadOrchestratorPage';
import { loadPage } from '@/lib/loadPage';
import { parseRangeChoice } from '@/lib/statsRange';
import { titleOf } from '@/lib/titleOf';

interface Properties {
  params: Promise<{ id: string }>;
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}

export async function generateMetadata({ params }: Properties): Promise<Metadata> {
  const { id } = await params;
  return { title: await titleOf(async (engine) => (await engine.getOrchestrator(id)).name, 'Orchestrator') };
}

const one = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value);

export default async function OrchestratorPage({ params, searchParams }: Properties) {
  const { id } = await params;
  const { range, from, to } = await searchParams;
  const choice = parseRangeChoice({ range: one(range), from: one(from), to: one(to) });
  const now = Date.now();
  const loaded = await loadPage((engine) => loadOrchestratorPage(engine, { id, choice, now }));
  if ('refusal' in loaded) return <Refusal refusal={loaded.refusal} />;
  const { cursor, workNow, workDone } = loaded.data;
  return (
    <Live cursor={cursor} now={now}>
      <OrchestratorView initialNow={workNow} initialDone={workDone} choice={choice} />
    </Live>
  );
}
