// Loaded before a program (`node --import`): its clock is wrong by CLOCK_SHIFT_MS, as that of a machine nobody set.
const shiftMs = Number(process.env.CLOCK_SHIFT_MS);
if (!Number.isFinite(shiftMs) || shiftMs === 0)
  throw new Error('CLOCK_SHIFT_MS says by how much the clock is wrong');
const RealDate = Date;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, made) =>
    Reflect.construct(target, args.length === 0 ? [target.now() + shiftMs] : args, made),
  apply: (target) => new target(target.now() + shiftMs).toString(),
  get: (target, key, receiver) =>
    key === 'now'
      ? () => target.now() + shiftMs
      : Reflect.get(target, key, receiver === Date ? target : receiver),
});
