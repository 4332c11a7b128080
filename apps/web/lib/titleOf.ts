import { isNeolithError } from '@neolith/contracts';
import { showControls } from './showControls';

/** The title of a page that is named after a thing; where it can't be read the page itself says why. */
export async function titleOf(read: () => Promise<string>, otherwise: string): Promise<string> {
  try {
    return showControls(await read());
  } catch (error) {
    if (isNeolithError(error)) return otherwise;
    throw error;
  }
}
