import { PageLink } from '@/components/ui/PageLink';

export default function NotFound() {
  return (
    <div className="mx-auto max-w-xl py-16 text-center">
      <h1 className="text-xl font-semibold tracking-tight">There is no such page</h1>
      <p className="mt-2 text-sm text-ink-soft text-pretty">
        The task, run or orchestrator may belong to another workspace, or the address was cut off when it was
        copied.
      </p>
      <p className="mt-4 text-sm">
        <PageLink href="/" className="font-medium text-accent underline underline-offset-2">
          All orchestrators
        </PageLink>
      </p>
    </div>
  );
}
