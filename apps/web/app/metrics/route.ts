import { errorResponse } from '@/server/http/respond';
import { CONTENT_TYPE } from '@/server/metrics/renderMetrics';
import { scrape } from '@/server/metrics/scrape';

export const dynamic = 'force-dynamic';

/** For Prometheus. It needs a token of the scope `metrics`. */
export async function GET(request: Request): Promise<Response> {
  try {
    return new Response(await scrape(request), {
      headers: { 'content-type': CONTENT_TYPE, 'cache-control': 'no-store' },
    });
  } catch (error) {
    return errorResponse(error, request);
  }
}
