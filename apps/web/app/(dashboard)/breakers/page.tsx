import { breakerListSchema } from '@neolith/contracts';
import type { WorkEngine } from '@neolith/work-engine';
import type { Metadata } from 'next';
import { BreakersView } from '@/components/breaker/BreakersView';
import { Live } from '@/components/live/Live';
import { Refusal } from '@/components/ui/Refusal';
import { loadPage } from '@/lib/loadPage';
import { toJson } from '@/lib/toJson';

export const metadata: Metadata = { title: 'Breakers' };

async function loadBreakers(engine: WorkEngine) {
  // The cursor before the data: what happens in between is then told once more instead of missed.
  const place = await engine.currentCursor();
  return { place, list: toJson(breakerListSchema, { breakers: await engine.listBreakers() }) };
}

export default async function BreakersPage() {
  const loaded = await loadPage(loadBreakers);
  if ('refusal' in loaded) return <Refusal refusal={loaded.refusal} />;
  const { place, list } = loaded.data;
  return (
    <Live cursor={place} now={Date.now()}>
      <BreakersView initial={list} />
    </Live>
  );
}
