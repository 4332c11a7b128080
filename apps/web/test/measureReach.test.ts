import { expect, test } from 'vitest';
import { measureReach } from '@/server/loops/measureReach';

function clocks() {
  const now = { wall: 1_000_000, steady: 0 };
  const reach = measureReach({ breakMs: 7_000, wallMs: () => now.wall, steadyMs: () => now.steady });
  return {
    reach,
    pass(wall: number, steady = wall) {
      now.wall += wall;
      now.steady += steady;
      return reach.note();
    },
  };
}

test('what can be reached counts from the first sign on, however long it took to come', () => {
  const { pass } = clocks();
  expect(pass(60_000)).toBe(0);
  expect(pass(2_000)).toBe(2);
  expect(pass(2_000)).toBe(4);
});

test('an outage and a sleeping machine are breaks; a short one and a clock that is set back are not', () => {
  const { pass } = clocks();
  pass(0);
  expect(pass(6_000)).toBe(6);
  expect(pass(8_000)).toBe(0);
  expect(pass(2_000)).toBe(2);
  // Asleep: the steady clock stood still.
  expect(pass(3_600_000, 10)).toBe(0);
  expect(pass(-7_200_000, 2_000)).toBe(2);
});
