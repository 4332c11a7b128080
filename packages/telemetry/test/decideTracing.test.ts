import { expect, test } from 'vitest';
import { decideTracing } from '../src/index.js';

const off = { wanted: false, problem: null };

test('tracing is off unless a variable asks for it', () => {
  expect(decideTracing({})).toEqual(off);
  expect(decideTracing({ OTEL_SERVICE_NAME: 'x', OTEL_TRACES_SAMPLER: 'always_on' })).toEqual(off);
  expect(decideTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: '' })).toEqual(off);
  expect(decideTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' })).toEqual({ wanted: true });
  expect(decideTracing({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c/v1/traces' })).toEqual({
    wanted: true,
  });
  expect(decideTracing({ OTEL_TRACES_EXPORTER: 'otlp' })).toEqual({ wanted: true });
});

test('what switches it off wins over an address', () => {
  const address = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };
  expect(decideTracing({ ...address, OTEL_SDK_DISABLED: 'true' })).toEqual(off);
  expect(decideTracing({ ...address, OTEL_TRACES_EXPORTER: 'none' })).toEqual(off);
});

test('what can not be done is off, and says why', () => {
  const decided = decideTracing({ OTEL_TRACES_EXPORTER: 'zipkin' });
  expect(decided).toMatchObject({ wanted: false, problem: expect.stringContaining('zipkin') });
  const grpc = decideTracing({ OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' });
  expect(grpc).toMatchObject({ wanted: false, problem: expect.stringContaining('4318') });
});
