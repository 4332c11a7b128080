import { type Endpoint, endpoints } from '@neolith/contracts';
import { processMetrics } from './processMetrics';

const names = new Map<Endpoint, string>(
  Object.entries<Endpoint>(endpoints).map(([name, endpoint]) => [endpoint, name]),
);

/** Its name in the table of endpoints: a label with as many values as there are rows. */
export function nameOf(endpoint: Endpoint): string {
  return names.get(endpoint) ?? 'other';
}

export function countCall(endpoint: Endpoint, status: number, seconds: number): void {
  const { calls, callSeconds } = processMetrics();
  const name = nameOf(endpoint);
  calls.inc({ endpoint: name, status });
  callSeconds.observe({ endpoint: name }, seconds);
}
