import { monotonicMs } from '../contestants/contestant.js';
import { answerParent } from '../harness/answerParent.js';
import { openReceiver } from './openReceiver.js';
import type { HandOver, Part, Receiver, ReceiverSettings } from './receiver.js';

export type ReceiverRequest =
  | { readonly ask: 'open'; readonly settings: ReceiverSettings }
  | { readonly ask: 'handOver'; readonly times: number }
  | { readonly ask: 'parts'; readonly times: number }
  | { readonly ask: 'close' };

/** Milliseconds of each part. */
export type PartTimes = Readonly<Record<string, readonly number[]>>;

/** Between hand-overs, so that whoever waits has come to rest, and no beat is in step with another. */
const REST_MS = { least: 40, most: 80 };

let receiver: Receiver | null = null;

answerParent<ReceiverRequest>(async (request) => {
  if (request.ask === 'open') {
    receiver = await openReceiver(request.settings);
    return null;
  }
  if (receiver === null) throw new Error('Nothing is open yet');
  if (request.ask === 'close') return receiver.close();
  if (request.ask === 'parts') return timeParts(receiver.parts ?? [], request.times);
  const handOvers: HandOver[] = [];
  while (handOvers.length < request.times) handOvers.push(await handOver(receiver));
  return handOvers;
});

async function handOver({ receive, create }: Receiver): Promise<HandOver> {
  const receiving = receive();
  await rest();
  const calledAt = monotonicMs();
  await create();
  const readyAt = monotonicMs();
  const { hadAt, finish } = await receiving;
  await finish();
  return { fromReady: hadAt - readyAt, fromCall: hadAt - calledAt };
}

async function timeParts(parts: readonly Part[], times: number): Promise<PartTimes> {
  const taken: Record<string, number[]> = {};
  for (const { name, before, run } of parts) {
    const own: number[] = [];
    while (own.length < times) {
      await before();
      await rest();
      const startedAt = monotonicMs();
      await run();
      own.push(monotonicMs() - startedAt);
    }
    taken[name] = own;
  }
  return taken;
}

function rest(): Promise<void> {
  const ms = REST_MS.least + Math.random() * (REST_MS.most - REST_MS.least);
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
