import type { TaskPriority } from '@neolith/contracts';

/** How each priority is called and coloured; in falling order of weight. */
export const PRIORITY_LOOK: Record<TaskPriority, { label: string; color: string }> = {
  CRITICAL: { label: 'Critical', color: 'var(--priority-critical)' },
  HIGH: { label: 'High', color: 'var(--priority-high)' },
  MEDIUM: { label: 'Medium', color: 'var(--priority-medium)' },
  LOW: { label: 'Low', color: 'var(--priority-low)' },
};

export const PRIORITIES = Object.keys(PRIORITY_LOOK) as TaskPriority[];
