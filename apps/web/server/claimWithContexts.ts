import type { ClaimResponse, endpoints } from '@neolith/contracts';
import type { WorkEngine } from '@neolith/work-engine';
import { contextsOf } from './contextsOf';
import type { ApiRequest } from './http/apiRequest';
import type { Call } from './http/handle';
import { untilShutdown } from './shutdown';
import { traceClaim } from './tracing';

type ClaimCall = Call<typeof endpoints.claimTasks>;
type ClaimResult = Awaited<ReturnType<WorkEngine['claimNextTask']>>;

/**
 * Claims, waiting if asked to, and brings each task's context along. Where the answer gets lost on its way, the same
 * `requestId` brings the same attempts again.
 */
export async function claimWithContexts({
  engine,
  principal,
  input,
  request,
}: ClaimCall): Promise<ClaimResponse> {
  const { claims, reason } = await claim(engine, input, request);
  const claimedAt = new Date();
  const [contexts, heldAgents] = await Promise.all([
    contextsOf(
      engine,
      principal.workspaceId,
      claims.map(({ task }) => task.id),
    ),
    claims.length === 0 ? [] : engine.listHeldAgents(),
  ]);
  return {
    claims: claims.map((claimed, index) => {
      const context = contexts[index];
      if (context === undefined) throw new Error(`No context came for ${claimed.task.id}`);
      const traceparent = traceClaim(
        {
          taskId: claimed.task.id,
          attemptId: claimed.attempt.id,
          orchestratorId: claimed.task.orchestratorId,
          runId: claimed.task.runId,
        },
        claimedAt,
      );
      return { ...claimed, context, ...(traceparent === undefined ? {} : { traceparent }) };
    }),
    reason,
    ...(heldAgents.length === 0 ? {} : { heldAgents }),
  };
}

async function claim(
  engine: WorkEngine,
  { params, body }: ClaimCall['input'],
  request: ApiRequest,
): Promise<ClaimResult> {
  const { waitSeconds, ...options } = body;
  if (waitSeconds === 0) return engine.claimNextTask(params.id, options);
  const waiting = untilShutdown(request.signal);
  try {
    return await engine.waitForClaim(params.id, { ...options, waitSeconds, signal: waiting.signal });
  } finally {
    waiting.release();
  }
}
