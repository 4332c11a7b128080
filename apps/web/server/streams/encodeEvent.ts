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
