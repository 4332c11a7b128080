import { runProgressSchema, runSnapshotSchema } from '@neolith/contracts';
import type { WorkEngine } from '@neolith/work-engine';
import type { Metadata } from 'next';
import { Live } from '@/components/live/Live';
import { type RunOwner, RunView } from '@/components/run/RunView';
import { Refusal } from '@/components/ui/Refusal';
import { loadPage } from '@/lib/loadPage';
import { shapeOf } from '@/lib/runPage';
import { titleOf } from '@/lib/titleOf';
import { toJson } from '@/lib/toJson';

interface Properties {
  params: Promise<{ id: string }>;
}

export async function generateMetadata({ params }: Properties): Promise<Metadata> {
  const { id } = await params;
  return { title: await titleOf(async (engine) => (await engine.getRun(id)).name, 'Run') };
}

async function ownerOf(engine: WorkEngine, orchestratorId: string | null): Promise<RunOwner | null> {
  if (orchestratorId === null) return null;
  const { id, name, timeZone } = await engine.getOrchestrator(orchestratorId);
  return { id, name, timeZone };
}

async function loadRun(engine: WorkEngine, id: string) {
  // The snapshot holds the cursor that it is true of; progress, read after it, is told again by what came between.
  const snapshot = await engine.getRunSnapshot(id);
  const [progress, owner] = await Promise.all([
    engine.getProgress(id),
    ownerOf(engine, snapshot.run.orchestratorId),
  ]);
  return {
    cursor: snapshot.cursor,
    shape: shapeOf(toJson(runSnapshotSchema, snapshot)),
    progress: toJson(runProgressSchema, progress),
    owner,
  };
}

export default async function RunPage({ params }: Properties) {
  const { id } = await params;
  const loaded = await loadPage((engine) => loadRun(engine, id));
  if ('refusal' in loaded) return <Refusal refusal={loaded.refusal} />;
  const { cursor, shape, progress, owner } = loaded.data;
  return (
    <Live cursor={cursor} now={Date.now()}>
      <RunView initialShape={shape} initialProgress={progress} owner={owner} />
    </Live>
  );
}
