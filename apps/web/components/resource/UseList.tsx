import { TaskText } from '@/components/ui/TaskText';

/** Resources as they are written: `shared db-schema, port:3000`. */
export function UseList({ uses }: { uses: readonly { resource: string; mode: 'exclusive' | 'shared' }[] }) {
  return (
    <span className="foreign font-mono">
      <TaskText
        text={uses
          .map(({ resource, mode }) => (mode === 'shared' ? `shared ${resource}` : resource))
          .join(', ')}
      />
    </span>
  );
}
