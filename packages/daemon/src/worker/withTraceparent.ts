import type { NeolithClient } from '@neolith/contracts';

/** The same client, whose calls belong to a trace. Not for `open`, whose input is its second. */
export function withTraceparent(client: NeolithClient, traceparent: () => string | undefined): NeolithClient {
  return new Proxy(client, {
    get(target, name, receiver) {
      const call: unknown = Reflect.get(target, name, receiver);
      if (typeof call !== 'function' || name === 'open') return call;
      return (input: object = {}) => {
        const parent = traceparent();
        return call.call(target, parent === undefined ? input : { ...input, traceparent: parent });
      };
    },
  });
}
