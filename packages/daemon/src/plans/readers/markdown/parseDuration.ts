import { planLimits } from '@neolith/contracts';

const unitMinutes: Readonly<Record<string, number>> = { m: 1, h: 60, d: 8 * 60, w: 5 * 8 * 60 };
const part = '(\\d+(?:[.,]\\d+)?)\\s*(minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w)';
const whole = new RegExp(`^~?\\s*${part}(?:[\\s,]*${part})*$`, 'i');
const each = new RegExp(part, 'gi');

/** Minutes of `2h`, `30m`, `1d` (8 working hours), `1w` (5 such days), `1h 30m`, `1.5 hours`; null for anything else. */
export function parseDuration(text: string): number | null {
  if (text.length > 100 || !whole.test(text.trim())) return null;
  let minutes = 0;
  for (const [, amount = '0', unit = 'm'] of text.matchAll(each)) {
    minutes += Number(amount.replace(',', '.')) * (unitMinutes[unit[0]?.toLowerCase() ?? 'm'] ?? 1);
  }
  return minutes > 0 && minutes <= planLimits.estimateMinutesMax ? minutes : null;
}
