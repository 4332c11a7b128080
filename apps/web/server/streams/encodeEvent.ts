import type { EngineEvent } from '@neolith/contracts';
import { frame } from './eventStream';

const written = new WeakMap<EngineEvent, string>();

/** An event as a frame. Written once however many clients follow: they are all handed the same object. */
export function encodeEvent(event: EngineEvent): string {
  const known = written.get(event);
  if (known !== undefined) return known;
  const text = frame({ id: event.cursor, data: JSON.stringify(event) });
  written.set(event, text);
  return text;
}

const encoder = new TextEncoder();
const encoded = new WeakMap<readonly EngineEvent[], Uint8Array>();

/** Events as the bytes of their frames, written once for all clients that are handed the same array. */
export function encodeEvents(events: readonly EngineEvent[]): Uint8Array {
  const known = encoded.get(events);
  if (known !== undefined) return known;
  const bytes = encoder.encode(events.map(encodeEvent).join(''));
  encoded.set(events, bytes);
  return bytes;
}
