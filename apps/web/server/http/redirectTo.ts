/** Sends the browser on to a path of ours. Relative, so that no header decides where it goes. */
export function redirectTo(path: string, headers: Record<string, string> = {}): Response {
  return new Response(null, {
    status: 303,
    headers: { location: path, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer', ...headers },
  });
}
