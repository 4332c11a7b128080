import type { Receiver, ReceiverSettings } from './receiver.js';

/** Loads and opens one; only its own library is loaded. */
export async function openReceiver(settings: ReceiverSettings): Promise<Receiver> {
  switch (settings.kind) {
    case 'neolith':
      return (await import('./neolithReceiver.js')).neolithReceiver(settings);
    case 'neolith-http':
      return (await import('./httpReceiver.js')).httpReceiver(settings);
    case 'graphile-worker':
      return (await import('./graphileReceiver.js')).graphileReceiver(settings.url);
    case 'pg-boss':
      return (await import('./pgBossReceiver.js')).pgBossReceiver(settings.url);
    case 'bullmq':
      return (await import('./bullmqReceiver.js')).bullmqReceiver(settings.port);
  }
}
