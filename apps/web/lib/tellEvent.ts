import { formatCount } from './formatNumber';
import { formatDuration } from './formatTime';
import type { EventJson } from './wire';

/** What an event says beyond its type, as a line of text; null where that is nothing. */
export function tellEvent(event: EventJson): string | null {
  const data = event.data ?? {};
  const text = (name: string) => (typeof data[name] === 'string' && data[name] !== '' ? data[name] : null);
  const number = (name: string) => (typeof data[name] === 'number' ? data[name] : null);

  const told: (string | null)[] = [];
  const attempt = number('attempt');
  if (attempt !== null) told.push(`attempt ${attempt}`);
  const [weight, boost, score] = [number('weight'), number('boost'), number('score')];
  if (weight !== null && boost !== null && score !== null) {
    told.push(`score ${formatCount(weight)} × ${formatCount(boost)} = ${formatCount(score)}`);
  }
  const progress = number('progress');
  if (progress !== null) told.push(`${progress} %`);
  const seconds = number('seconds');
  if (seconds !== null) told.push(`after ${formatDuration(seconds * 1_000)}`);
  told.push(text('failureClass'));
  if (text('reason') === 'DEPENDENCIES') told.push('its last prerequisite is done');
  else told.push(text('reason'));
  told.push(text('message'), text('error'));
  const question = text('question');
  if (question !== null) told.push(`asks: ${question}`);
  const answer = text('answer');
  if (answer !== null) told.push(`answer: ${answer}`);
  if (Array.isArray(data.fields)) told.push(data.fields.join(', '));
  const kept = told.filter((part) => part !== null);
  return kept.length === 0 ? null : kept.join(' · ');
}
