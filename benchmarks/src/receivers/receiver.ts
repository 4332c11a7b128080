/** Who waits for work on a queue that is empty, and who puts a task into it; see serveReceiver. */
export interface Receiver {
  /** Begins to wait for the next task; says when it was there, by `monotonicMs`. `finish` settles it; not measured. */
  receive(): Promise<{ readonly hadAt: number; finish(): Promise<void> }>;
  /** Resolves when the task is committed, as far as its maker can know. */
  create(): Promise<void>;
  /** What a hand-over is made of, each measured by itself after the same rest; where nothing is known of it: absent. */
  readonly parts?: readonly Part[];
  close(): Promise<void>;
}

export interface Part {
  readonly name: string;
  /** Not measured. */
  before(): Promise<void>;
  run(): Promise<void>;
}

/** One task from its maker to who waited for it, in milliseconds. */
export interface HandOver {
  /** From the answer to who made it. */
  readonly fromReady: number;
  /** From the call that made it. */
  readonly fromCall: number;
}

export type ReceiverSettings =
  | { readonly kind: 'neolith'; readonly url: string; readonly maker: 'same engine' | 'other engine' }
  | { readonly kind: 'neolith-http'; readonly url: string; readonly token: string }
  | { readonly kind: 'graphile-worker'; readonly url: string }
  | { readonly kind: 'pg-boss'; readonly url: string }
  | { readonly kind: 'bullmq'; readonly port: number };
