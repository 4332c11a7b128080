/** `absent`: it is not there, and need not be. */
export type FindingStatus = 'ok' | 'absent' | 'warning' | 'failure';

/** What one look found. */
export interface Finding {
  /** Stable, for programs: `node`, `git`, `agent:claude`… */
  readonly check: string;
  readonly status: FindingStatus;
  /** One line: what is there, or what is wrong. */
  readonly detail: string;
  /** What to do about it. */
  readonly remedy?: string;
}

/** Looks at one thing. What it throws is a failure of that check alone. */
export interface Check {
  readonly check: string;
  look(): Promise<readonly Finding[]>;
}

/** All checks side by side, in the order of their list; one that breaks down says so and stops no other. */
export async function runChecks(checks: readonly Check[]): Promise<Finding[]> {
  const found = await Promise.all(
    checks.map(async ({ check, look }): Promise<readonly Finding[]> => {
      try {
        return await look();
      } catch (error) {
        const detail = `could not be looked at: ${error instanceof Error ? error.message : String(error)}`;
        return [{ check, status: 'failure', detail }];
      }
    }),
  );
  return found.flat();
}
