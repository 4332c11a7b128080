'use client';

import { Bar, BarChart, CartesianGrid, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts';
import { formatDay, formatWeekday } from '@/lib/formatTime';
import type { ExecutionStatsJson } from '@/lib/wire';
import { ChartTooltip } from './ChartTooltip';
import { AXIS_TICK, CURSOR, OUTCOMES } from './chartLook';
import { OutcomeTable } from './OutcomeTable';

type Day = ExecutionStatsJson['byDay'][number];

/** Finished tasks per calendar day of the orchestrator, stacked by how they ended. */
export function DayChart({ days }: { days: readonly Day[] }) {
  return (
    <>
      <ResponsiveContainer width="100%" height="100%" initialDimension={{ width: 640, height: 224 }}>
        <BarChart
          data={[...days]}
          margin={{ top: 4, right: 4, bottom: 0, left: 0 }}
          maxBarSize={32}
          aria-label="Finished tasks a day"
        >
          <CartesianGrid vertical={false} stroke="var(--line)" />
          <XAxis
            dataKey="date"
            tickFormatter={formatDay}
            tick={AXIS_TICK}
            tickLine={false}
            axisLine={{ stroke: 'var(--line)' }}
            minTickGap={16}
          />
          <YAxis allowDecimals={false} width={32} tick={AXIS_TICK} tickLine={false} axisLine={false} />
          <Tooltip
            cursor={CURSOR}
            isAnimationActive={false}
            content={({ active, payload }) => {
              const day = payload?.[0]?.payload as Day | undefined;
              return active && day !== undefined ? (
                <ChartTooltip
                  title={formatWeekday(day.date)}
                  rows={OUTCOMES.map((outcome) => ({ ...outcome, value: day[outcome.key] }))}
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
        caption="Finished tasks a day"
        head="Day"
        rows={days.map((day) => ({ label: formatWeekday(day.date), outcomes: day }))}
      />
    </>
  );
}
