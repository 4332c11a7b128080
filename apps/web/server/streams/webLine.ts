import type { StreamLine } from '../http/apiRequest';

/** Nothing waits beneath as many bytes: what the client has taken is asked for at once. */
const HIGH_WATER_BYTES = 65_536;

/** A line that ends in the body of a `Response`. */
export function webLine(): { line: StreamLine; body: ReadableStream<Uint8Array> } {
  let drained: () => void = () => undefined;
  let closed: () => void = () => undefined;
  let isOpen = true;
  let controller: ReadableStreamDefaultController<Uint8Array>;
  const close = (how: () => void) => {
    if (!isOpen) return;
    isOpen = false;
    how();
    closed();
  };
  const body = new ReadableStream<Uint8Array>(
    {
      start: (own) => {
        controller = own;
      },
      pull: () => drained(),
      cancel: () => close(() => undefined),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: HIGH_WATER_BYTES }),
  );
  return {
    body,
    line: {
      write: (bytes) => {
        if (isOpen) controller.enqueue(bytes);
      },
      waitingBytes: () => HIGH_WATER_BYTES - (controller.desiredSize ?? HIGH_WATER_BYTES),
      onDrained: (listener) => {
        drained = listener;
      },
      onClosed: (listener) => {
        closed = listener;
      },
      end: () => close(() => controller.close()),
      cut: () => close(() => controller.error(new Error('The client does not read'))),
    },
  };
}
