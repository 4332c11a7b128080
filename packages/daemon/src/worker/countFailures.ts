import { isNeolithError, type NeolithClient } from '@neolith/contracts';

export interface FailedCalls {
  readonly call: string;
  /** Of the error table; UNEXPECTED for anything else. */
  readonly code: string;
  readonly count: number;
}

/** The same client, and what of its calls has failed since; calls that we broke off ourselves aside. */
export function countFailures(client: NeolithClient): {
  readonly client: NeolithClient;
  readonly failed: () => FailedCalls[];
} {
  const counts = new Map<string, { call: string; code: string; count: number }>();
  const note = (call: string, error: unknown): void => {
    const code = isNeolithError(error) ? error.code : 'UNEXPECTED';
    const key = `${call} ${code}`;
    const known = counts.get(key);
    if (known === undefined) counts.set(key, { call, code, count: 1 });
    else known.count += 1;
  };
  const counted = new Proxy(client, {
    get(target, name, receiver) {
      const call: unknown = Reflect.get(target, name, receiver);
      if (typeof call !== 'function' || typeof name !== 'string') return call;
      return (...input: unknown[]) => {
        const answer: unknown = call.apply(target, input);
        if (!(answer instanceof Promise)) return answer;
        return answer.catch((error: unknown) => {
          if (!wasBrokenOff(input)) note(name, error);
          throw error;
        });
      };
    },
  });
  return { client: counted, failed: () => [...counts.values()].map((one) => ({ ...one })) };
}

function wasBrokenOff(input: readonly unknown[]): boolean {
  return input.some(
    (one) =>
      typeof one === 'object' &&
      one !== null &&
      'signal' in one &&
      (one.signal as AbortSignal)?.aborted === true,
  );
}
