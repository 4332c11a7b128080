import { notFound } from 'next/navigation';

/** Any other address: the dashboard's own "not found", with its header, instead of the framework's. */
export default function MissingPage() {
  notFound();
}
