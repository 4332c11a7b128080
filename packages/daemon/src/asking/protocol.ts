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

export const ASK_ERROR_STATUS = {
  /** The request can't be understood. */
  INVALID_INPUT: 400,
  /** There is only POST /resources. */
  NOT_FOUND: 404,
  /** The attempt gave way in a deadlock: it is over, and its agent is ended. */
  RESOURCE_DEADLOCK: 409,
  /** The attempt is over. */
  LEASE_LOST: 409,
  /** The server can't be asked, or refused. */
  UNAVAILABLE: 503,
} as const;
export type AskErrorCode = keyof typeof ASK_ERROR_STATUS;

/** What an agent is told instead of an answer. */
export class AskError extends Error {
  override readonly name = 'AskError';
  constructor(
    readonly code: AskErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
