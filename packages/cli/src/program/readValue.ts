import { InvalidArgumentError } from 'commander';
import { readDuration } from '../output/duration.js';

export function readTime(min: number, max: number): (text: string) => number {
  return (text) => {
    const seconds = readDuration(text);
    if (seconds !== null && seconds >= min && seconds <= max) return seconds;
    throw new InvalidArgumentError(
      `It must be a time such as 90s, 5m, 2h or 1d, from ${min} to ${max} seconds.`,
    );
  };
}

export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function readWhole(text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
}

export const readCount = (text: string): number => readWhole(text, 1, 1_000);
export const readLimit = (text: string): number => readWhole(text, 1, 1_000_000);
export const readDays = (text: string): number => readWhole(text, 1, 90);
export const readTail = (text: string): number => readWhole(text, 0, 1_000_000);
export const readPort = (text: string): number => readWhole(text, 1, 65_535);
export const readLeaseSeconds = (text: string): number => readWhole(text, 1, 86_400);
export const readSeed = (text: string): number => readWhole(text, 0, 2 ** 31);

export function readMinutes(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 24 * 60) return value;
  throw new InvalidArgumentError('It must be a number of minutes from 0 to 1440.');
}

/** As `readTime`, or `never`, which is null. */
export function readTimeOrNever(min: number, max: number): (text: string) => number | null {
  const read = readTime(min, max);
  return (text) => (text === 'never' ? null : read(text));
}
