import type { Breaker } from '@neolith/contracts';
import { providerOf } from '@neolith/daemon/providers';
import { neolithHome } from '@neolith/database/home';
import { type ConnectionFlags, resolveConnection } from '../connection/resolveConnection.js';
import { describeDuration } from '../output/duration.js';
import { formatTable } from '../output/table.js';
import { plainLine, type Terminal } from '../output/terminal.js';

export interface BreakerFlags extends ConnectionFlags {
  readonly json?: true;
  readonly provider?: string;
  readonly reason?: string;
  /** Seconds. */
  readonly for?: number;
}

/** `neolith breakers`: those that have ever opened or been forced. */
export async function listBreakers(terminal: Terminal, options: BreakerFlags): Promise<void> {
  const { client } = resolveConnection(options, process.env, neolithHome());
  const { breakers } = await client.listBreakers();
  if (options.json) {
    terminal.json({ breakers });
    return;
  }
  if (breakers.length === 0) {
    terminal.out('Every breaker is closed, and none has ever opened.');
    return;
  }
  const [head = '', ...rows] = formatTable(
    ['Agent', 'Provider', 'Status', 'Until', 'Since', 'Reason'],
    breakers.map((breaker) => [
      plainLine(breaker.agent),
      plainLine(breaker.provider),
      describeStatus(breaker),
      describeUntil(breaker),
      describeDuration((Date.now() - breaker.changedAt.getTime()) / 1_000),
      plainLine(breaker.reason ?? '').slice(0, 100),
    ]),
  );
  terminal.out(terminal.style('bold', head));
  for (const row of rows) terminal.out(row);
}

/** `neolith breakers force open|closed AGENT`. */
export async function forceBreaker(
  terminal: Terminal,
  to: 'open' | 'closed',
  agent: string,
  options: BreakerFlags,
): Promise<void> {
  const { client } = resolveConnection(options, process.env, neolithHome());
  const breaker = await client.forceBreaker({
    body: {
      agent,
      provider: await chooseProvider(client.listBreakers, agent, options),
      to,
      ...(options.reason === undefined ? {} : { reason: options.reason }),
      ...(options.for === undefined
        ? {}
        : { until: new Date(Date.now() + options.for * 1_000).toISOString() }),
    },
  });
  tell(terminal, breaker, options);
}

/** `neolith breakers release AGENT`. */
export async function releaseBreaker(
  terminal: Terminal,
  agent: string,
  options: BreakerFlags,
): Promise<void> {
  const { client } = resolveConnection(options, process.env, neolithHome());
  const breaker = await client.releaseBreaker({
    body: {
      agent,
      provider: await chooseProvider(client.listBreakers, agent, options),
      ...(options.reason === undefined ? {} : { reason: options.reason }),
    },
  });
  tell(terminal, breaker, options);
}

/** The one that is asked for, else the only one that is known of the agent, else its own. */
async function chooseProvider(
  list: () => Promise<{ breakers: readonly Breaker[] }>,
  agent: string,
  options: BreakerFlags,
): Promise<string> {
  if (options.provider !== undefined) return options.provider;
  const known = (await list()).breakers.filter((breaker) => breaker.agent === agent);
  return known.length === 1 && known[0] !== undefined ? known[0].provider : providerOf(agent);
}

function tell(terminal: Terminal, breaker: Breaker, options: BreakerFlags): void {
  if (options.json) {
    terminal.json({ breaker });
    return;
  }
  const until = describeUntil(breaker);
  terminal.out(
    `${plainLine(breaker.agent)} with ${plainLine(breaker.provider)} is ${describeStatus(breaker)}${until === '' ? '' : ` until ${until}`}.`,
  );
}

function describeStatus({ status, forced }: Breaker): string {
  return `${status.replace('_', '-')}${forced === null ? '' : ' (forced)'}`;
}

function describeUntil({ status, openUntil }: Breaker): string {
  if (status !== 'open') return '';
  return openUntil === null ? 'released' : openUntil.toISOString();
}
