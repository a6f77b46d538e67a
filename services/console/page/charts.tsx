/** How the last quarter of an hour went: three charts over the same time. */
import { count } from '@dpr/client/status-table';
import { useEffect, useState } from 'preact/hooks';
import { Chart, type ChartProps } from './chart.tsx';
import { CHART_SPAN_S } from './chart-data.ts';
import { briefDuration, compact } from './format.ts';
import type { View } from './model.ts';

const DARK = '(prefers-color-scheme: dark)';

const CHARTS: readonly Pick<ChartProps, 'title' | 'series' | 'text' | 'axisText'>[] = [
  {
    title: 'Operations per second',
    series: [{ label: '', value: ({ rate }) => rate }],
    text: (value) => count(Math.round(value)),
    axisText: compact,
  },
  {
    title: 'Commit lag of the worst worker',
    series: [{ label: '', value: ({ lagMs }) => lagMs }],
    text: briefDuration,
    axisText: briefDuration,
  },
  {
    title: 'Writes, p99',
    series: [
      { label: 'checkpoint', value: ({ checkpointWriteMs }) => checkpointWriteMs },
      { label: 'record', value: ({ recordWriteMs }) => recordWriteMs },
    ],
    text: briefDuration,
    axisText: briefDuration,
  },
];

export function Charts({ history, rollbacks }: Pick<View, 'history' | 'rollbacks'>) {
  const theme = useTheme();
  return (
    <section class="charts" aria-label="Charts">
      {CHARTS.map((chart) => (
        <Chart key={chart.title} {...chart} history={history} rollbacks={rollbacks} theme={theme} />
      ))}
      <p class="note">{`A rollback. The charts show the last ${CHART_SPAN_S / 60} minutes.`}</p>
    </section>
  );
}

function useTheme(): string {
  const [theme, setTheme] = useState(matchMedia(DARK).matches ? 'dark' : 'light');
  useEffect(() => {
    const media = matchMedia(DARK);
    const change = (): void => setTheme(media.matches ? 'dark' : 'light');
    media.addEventListener('change', change);
    return () => media.removeEventListener('change', change);
  }, []);
  return theme;
}
