/** How much memory the processes had over time. */
import { gridLine, INK, polyline, scale, svg, words } from '../../../services/bench/svg.ts';

/** One look at all processes. */
export interface Sample {
  /** Since the beginning, ms. */
  readonly atMs: number;
  /** By the name of the process. */
  readonly bytes: Readonly<Record<string, number>>;
}

/** What a worker is told that it may use; no process may ever have more. */
export const MAX_RESIDENT_BYTES = 1024 * 2 ** 20;
/** For each process, its most and its least in these samples. */
export function ranges(samples: readonly Sample[]): Map<string, { readonly least: number; readonly most: number }> {
  const found = new Map<string, { least: number; most: number }>();
  for (const { bytes } of samples) {
    for (const [name, value] of Object.entries(bytes)) {
      const { least, most } = found.get(name) ?? { least: Infinity, most: 0 };
      found.set(name, { least: Math.min(least, value), most: Math.max(most, value) });
    }
  }
  return found;
}

const WIDTH = 760;
const HEIGHT = 320;
const LEFT = 60;
const RIGHT = 100;
const TOP = 40;
const BOTTOM = 40;
const COLORS = ['#d1495b', '#2e86ab', '#66a182', '#edae49', '#6f4a8e'];
const GRID_LINES = 4;
/** More than the chart is wide would not be seen. */
const MAX_POINTS = 600;

/** Memory over time, as an SVG that reads on light and dark ground. @param boundBytes the top of the chart */
export function memoryChart(samples: readonly Sample[], title: string, boundBytes: number): string {
  const endMs = samples.at(-1)?.atMs ?? 1;
  const x = scale(0, endMs, LEFT, WIDTH - RIGHT);
  const y = scale(0, boundBytes, HEIGHT - BOTTOM, TOP);
  const shown = thinned(samples);
  const grid = Array.from({ length: GRID_LINES + 1 }, (_, nth) => {
    const bytes = (nth * boundBytes) / GRID_LINES;
    return gridLine(LEFT, WIDTH - RIGHT, y(bytes)) + words([LEFT - 6, y(bytes)], `${mebibytes(bytes)}`, 'end');
  });
  const lines = Object.keys(samples[0]?.bytes ?? {}).map((name, index) => {
    const color = COLORS[index % COLORS.length] ?? INK;
    const points = shown.map(({ atMs, bytes }) => [x(atMs), y(bytes[name] ?? 0)] as const);
    return polyline(points, color, 1.5) + words([WIDTH - RIGHT + 10, TOP + 18 * index], name, 'start', color);
  });
  return svg({ width: WIDTH, height: HEIGHT, title, titleAt: [LEFT, 20] }, [
    ...grid,
    ...lines,
    words([LEFT, HEIGHT - 15], '0'),
    words([WIDTH - RIGHT, HEIGHT - 15], `${(endMs / 60_000).toFixed(1)} min`, 'end'),
  ]);
}

/** Of each stretch the sample with the most, so that no peak is lost. */
function thinned(samples: readonly Sample[]): Sample[] {
  const size = Math.ceil(samples.length / MAX_POINTS);
  const sum = ({ bytes }: Sample): number => Object.values(bytes).reduce((total, one) => total + one, 0);
  return Array.from({ length: Math.ceil(samples.length / size) }, (_, nth) =>
    samples.slice(nth * size, (nth + 1) * size).reduce((most, one) => (sum(one) > sum(most) ? one : most)),
  );
}

export function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
