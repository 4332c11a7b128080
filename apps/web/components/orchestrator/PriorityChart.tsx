'use client';

import { Bar, BarChart, CartesianGrid, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts';
import { PRIORITIES, PRIORITY_LOOK } from '@/lib/priorities';
import type { ExecutionStatsJson } from '@/lib/wire';
import { ChartTooltip } from './ChartTooltip';
import { AXIS_TICK, CURSOR, OUTCOMES } from './chartLook';
import { OutcomeTable } from './OutcomeTable';

/** Finished tasks of each priority, stacked by how they ended. */
export function PriorityChart({ byPriority }: { byPriority: ExecutionStatsJson['byPriority'] }) {
  const rows = PRIORITIES.map((priority) => ({
    label: PRIORITY_LOOK[priority].label,
    ...byPriority[priority],
  }));
  return (
    <>
      <ResponsiveContainer width="100%" height="100%" initialDimension={{ width: 320, height: 224 }}>
        <BarChart
          data={rows}
          layout="vertical"
          margin={{ top: 4, right: 12, bottom: 0, left: 0 }}
          maxBarSize={22}
          aria-label="Finished tasks by priority"
        >
          <CartesianGrid horizontal={false} stroke="var(--line)" />
          <XAxis type="number" allowDecimals={false} tick={AXIS_TICK} tickLine={false} axisLine={false} />
          <YAxis
            type="category"
            dataKey="label"
            width={58}
            tick={AXIS_TICK}
            tickLine={false}
            axisLine={{ stroke: 'var(--line)' }}
          />
          <Tooltip
            cursor={CURSOR}
            isAnimationActive={false}
            content={({ active, payload }) => {
              const row = payload?.[0]?.payload as (typeof rows)[number] | undefined;
              return active && row !== undefined ? (
                <ChartTooltip
                  title={row.label}
                  rows={OUTCOMES.map((outcome) => ({ ...outcome, value: row[outcome.key] }))}
                />
              ) : null;
            }}
          />
          {OUTCOMES.map(({ key, name, fill }) => (
            <Bar
              key={key}
              dataKey={key}
              name={name}
              fill={fill}
              stackId="outcome"
              isAnimationActive={false}
            />
          ))}
        </BarChart>
      </ResponsiveContainer>
      <OutcomeTable
        caption="Finished tasks by priority"
        head="Priority"
        rows={rows.map((row) => ({ label: row.label, outcomes: row }))}
      />
    </>
  );
}
