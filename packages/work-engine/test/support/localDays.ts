/** Time zones and the moments at which their clocks change: where days are odd. */
export const CLOCK_CHANGES: readonly (readonly [zone: string, at: string])[] = [
  // Midnight is skipped.
  ['America/Havana', '2026-03-08T05:00:00Z'],
  ['Atlantic/Azores', '2026-03-29T01:00:00Z'],
  ['Africa/Cairo', '2026-04-23T22:00:00Z'],
  ['America/Sao_Paulo', '2018-11-04T03:00:00Z'],
  ['Asia/Beirut', '2026-03-28T22:00:00Z'],
  // Midnight happens twice, or almost.
  ['America/Havana', '2026-11-01T05:00:00Z'],
  ['Atlantic/Azores', '2026-10-25T01:00:00Z'],
  ['Africa/Cairo', '2026-10-29T21:00:00Z'],
  ['America/Sao_Paulo', '2019-02-17T02:00:00Z'],
  ['Asia/Beirut', '2026-10-24T21:00:00Z'],
  // From 00:01 back to 23:01 of the day before.
  ['America/St_Johns', '2010-11-07T02:31:00Z'],
  // Half an hour.
  ['Australia/Lord_Howe', '2026-04-04T15:00:00Z'],
  ['Australia/Lord_Howe', '2026-10-03T15:30:00Z'],
  // A whole day is skipped.
  ['Pacific/Apia', '2011-12-30T10:00:00Z'],
  ['Europe/Berlin', '2026-03-29T01:00:00Z'],
  ['Europe/Berlin', '2026-10-25T01:00:00Z'],
  ['America/New_York', '2026-03-08T07:00:00Z'],
  ['Pacific/Chatham', '2026-04-04T14:00:00Z'],
  // Never.
  ['Asia/Kathmandu', '2026-01-01T00:00:00Z'],
  ['Pacific/Kiritimati', '2026-01-01T00:00:00Z'],
  ['UTC', '2026-01-01T00:00:00Z'],
];
