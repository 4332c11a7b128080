import { init } from 'echarts';
import type { Table } from './benchmark.js';
import { median } from './statistics.js';

const WIDTH = 900;
const HEIGHT = 420;

/** The medians of a table as an SVG that needs nothing to be looked at, on light and on dark pages. */
export function drawTable(table: Table): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  const bars = table.plot === 'bars' || table.points.length === 1;
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    legend: { top: 8, type: 'plain' },
    grid: { left: 80, right: 30, top: 30 + 26 * Math.ceil(table.rows.length / 4), bottom: 50 },
    xAxis: {
      type: 'category',
      name: table.along,
      nameLocation: 'middle',
      nameGap: 30,
      data: table.points.map(String),
    },
    yAxis: { type: table.logarithmic === true ? 'log' : 'value', name: table.unit },
    series: table.rows.map(({ name, samples }) => ({
      name,
      type: bars ? ('bar' as const) : ('line' as const),
      symbolSize: 7,
      data: samples.map((values) => (values.length === 0 ? null : Number(median(values).toPrecision(4)))),
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}
