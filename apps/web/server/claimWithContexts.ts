import type { ClaimResponse, endpoints } from '@neolith/contracts';
import type { Call } from './http/handle';
import { untilShutdown } from './shutdown';

/**
 * Claims, waiting if asked to, and brings each task's context along. Where the answer gets lost on its way, the same
 * `requestId` brings the same attempts again.
 */
export async function claimWithContexts({
  engine,
  input,
  request,
}: Call<typeof endpoints.claimTasks>): Promise<ClaimResponse> {
  const { waitSeconds, ...options } = input.body;
  const waiting = untilShutdown(request.signal);
  try {
    const { claims, reason } =
      waitSeconds === 0
        ? await engine.claimNextTask(input.params.id, options)
        : await engine.waitForClaim(input.params.id, { ...options, waitSeconds, signal: waiting.signal });
    const contexts = await engine.prepareTaskContexts(claims.map(({ task }) => task.id));
    return {
      claims: claims.map((claim, index) => {
        const context = contexts[index];
        if (context === undefined) throw new Error(`No context came for ${claim.task.id}`);
        return { ...claim, context };
      }),
      reason,
    };
  } finally {
    waiting.release();
  }
}
