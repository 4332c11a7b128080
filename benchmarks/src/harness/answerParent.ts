/** What a child process answers to one question. */
export type Response = { readonly answer: unknown } | { readonly error: string };

/** Makes this process answer the questions of the one that started it, one at a time, and end when that one is gone. */
export function answerParent<Request>(answerTo: (request: Request) => Promise<unknown>): void {
  async function respond(request: Request): Promise<void> {
    let response: Response;
    try {
      response = { answer: await answerTo(request) };
    } catch (error) {
      response = { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
    process.send?.(response);
  }
  process.on('message', (request: Request) => {
    void respond(request);
  });
  // Who asked has heard the last answer, or is gone.
  process.on('disconnect', () => process.exit(0));
}
