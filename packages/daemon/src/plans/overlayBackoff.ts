import type { BackoffSettings } from '@neolith/contracts';

/**
 * What a task says of its waits over what the plan says of all; nothing said, null. A first wait beyond the cap is as long as
 * the cap, and is written so: within one task the server takes the opposite for a slip. Pure.
 */
export function overlayBackoff(
  ofPlan: BackoffSettings | undefined,
  ofTask: BackoffSettings | undefined,
): BackoffSettings | null {
  if (ofPlan === undefined && ofTask === undefined) return null;
  const said = { ...ofPlan, ...ofTask };
  const { baseSeconds, capSeconds } = said;
  if (baseSeconds === undefined || capSeconds === undefined) return said;
  return { ...said, baseSeconds: Math.min(baseSeconds, capSeconds) };
}
