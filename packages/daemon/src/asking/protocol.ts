import type { ResourceObstacle } from '@neolith/contracts';
import { resourceInputsSchema } from '@neolith/contracts';
import { z } from 'zod';

/** Names the socket of an attempt to its agent. */
export const SOCKET_VARIABLE = 'NEOLITH_SOCKET';
/** Names the neolith command to an agent. */
export const COMMAND_VARIABLE = 'NEOLITH_COMMAND';

/** `POST /resources` */
export const askSchema = z.strictObject({
  resources: resourceInputsSchema.min(1),
  /** Seconds, default 0. Then nothing is waited for any more. */
  waitSeconds: z.number().min(0).max(86_400).default(0),
});
export type Ask = z.input<typeof askSchema>;

export interface Asked {
  readonly granted: boolean;
  /** Who has it, where it was not granted. */
  readonly waitsFor: readonly ResourceObstacle[];
}
