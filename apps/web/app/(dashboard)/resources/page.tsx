import { resourceBoardSchema } from '@neolith/contracts';
import type { WorkEngine } from '@neolith/work-engine';
import type { Metadata } from 'next';
import { Live } from '@/components/live/Live';
import { ResourcesView } from '@/components/resource/ResourcesView';
import { Refusal } from '@/components/ui/Refusal';
import { loadPage } from '@/lib/loadPage';
import { toJson } from '@/lib/toJson';

export const metadata: Metadata = { title: 'Resources' };

async function loadResources(engine: WorkEngine) {
  // The cursor before the data: what happens in between is then told once more instead of missed.
  const place = await engine.currentCursor();
  return { place, board: toJson(resourceBoardSchema, await engine.getResources()) };
}

export default async function ResourcesPage() {
  const loaded = await loadPage(loadResources);
  if ('refusal' in loaded) return <Refusal refusal={loaded.refusal} />;
  const { place, board } = loaded.data;
  return (
    <Live cursor={place} now={Date.now()}>
      <ResourcesView initial={board} />
    </Live>
  );
}
