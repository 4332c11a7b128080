import { createOpenApiDocument } from '@neolith/contracts';
import { VERSION } from './version';

type Document = { openapi: string; [key: string]: unknown };

let document: Document | undefined;

/** Made once: it only changes with the code. */
export async function describeApi(): Promise<Document> {
  document ??= createOpenApiDocument(VERSION) as Document;
  return document;
}
