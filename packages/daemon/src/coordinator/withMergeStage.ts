import type { NeolithClient, Run } from '@neolith/contracts';

/**
 * A run that was stored without a merge stage would start dependents without the work they need, though there is somebody
 * to merge it.
 */
export async function withMergeStage(
  client: NeolithClient,
  run: Run,
  isWanted: boolean,
): Promise<{ readonly run: Run; readonly hint: string | null }> {
  if (!isWanted || run.config.mergeStage) return { run, hint: null };
  // What is done already would be missing from what is merged, and nobody would be told.
  if (run.status !== 'PENDING' || run.counts.done > 0) {
    return {
      run,
      hint: 'The run was begun without a merge stage: nothing is merged, and work stays on the branches of its attempts.',
    };
  }
  const changed = await client.updateRun({
    params: { id: run.id },
    body: { config: { mergeStage: true } },
  });
  return { run: changed, hint: 'The run had no merge stage; it has one now.' };
}
