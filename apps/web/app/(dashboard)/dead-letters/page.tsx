import { deadLetterPageSchema } from '@neolith/contracts';
import type { WorkEngine } from '@neolith/work-engine';
import type { Metadata } from 'next';
import { DeadLettersView } from '@/components/deadLetter/DeadLettersView';
import { Live } from '@/components/live/Live';
import { Refusal } from '@/components/ui/Refusal';
import { DEAD_LETTERS_LENGTH, type DeadLetterChoice, parseDeadLetterChoice } from '@/lib/deadLetters';
import { loadPage } from '@/lib/loadPage';
import { toJson } from '@/lib/toJson';

interface Properties {
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}

export const metadata: Metadata = { title: 'Dead letters' };

async function loadDeadLetters(engine: WorkEngine, { runId, cursor }: DeadLetterChoice) {
  // The cursor before the data: what happens in between is then told once more instead of missed.
  const place = await engine.currentCursor();
  const run = runId === null ? null : await engine.getRun(runId);
  const page = await engine.listDeadLetters({
    limit: DEAD_LETTERS_LENGTH,
    ...(runId === null ? {} : { runId }),
    ...(cursor === null ? {} : { cursor }),
  });
  return { place, runName: run?.name ?? null, page: toJson(deadLetterPageSchema, page) };
}

export default async function DeadLettersPage({ searchParams }: Properties) {
  const choice = parseDeadLetterChoice(await searchParams);
  const loaded = await loadPage((engine) => loadDeadLetters(engine, choice));
  if ('refusal' in loaded) return <Refusal refusal={loaded.refusal} />;
  const { place, page, runName } = loaded.data;
  return (
    <Live cursor={place} now={Date.now()}>
      <DeadLettersView initial={page} choice={choice} runName={runName} />
    </Live>
  );
}
