/** A chart of lines over batch sizes, both axes logarithmic, as an SVG that reads on light and dark ground. */
import { gridLine, INK, polyline, scale, svg, words } from './svg.ts';

export interface Series {
  readonly name: string;
  /** Ascending by x; all positive. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface ChartOptions {
  readonly title: string;
  readonly xTitle: string;
  /** How values are written at the axis. */
  readonly show: (value: number) => string;
}

const WIDTH = 760;
const HEIGHT = 420;
const LEFT = 76;
const RIGHT = 150;
const TOP = 44;
const BOTTOM = 48;
const COLORS = ['#d1495b', '#8d99ae', '#2e86ab', '#66a182', '#edae49', '#6f4a8e'];
/** The least distance of two names beside the chart. */
const NAME_HEIGHT = 16;

/** @throws RangeError when there is nothing to show, or a value is not positive */
export function chart(series: readonly Series[], { title, xTitle, show }: ChartOptions): string {
  const points = series.flatMap((one) => one.points);
  if (points.length === 0) throw new RangeError('a chart without a point shows nothing');
  if (!points.flat().every((value) => value > 0))
    throw new RangeError('a logarithmic chart takes positive values only');
  const xs = [...new Set(points.map(([x]) => x))].sort((a, b) => a - b);
  const ys = points.map(([, y]) => y);
  const low = Math.floor(Math.log10(ys.reduce((a, b) => Math.min(a, b), Infinity)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(ys.reduce((a, b) => Math.max(a, b), -Infinity))));
  const xOf = scale(Math.log2(xs[0] ?? 1), Math.log2(xs.at(-1) ?? 1), LEFT, WIDTH - RIGHT);
  const yOf = scale(low, high, HEIGHT - BOTTOM, TOP);
  const place = ([x, y]: readonly [number, number]) => [xOf(Math.log2(x)), yOf(Math.log10(y))] as const;
  const decades = Array.from({ length: high - low + 1 }, (_, index) => low + index);

  const grid = decades.map(
    (decade) =>
      gridLine(LEFT, WIDTH - RIGHT, yOf(decade)) + words([LEFT - 8, yOf(decade) + 4], show(10 ** decade), 'end'),
  );
  const ticks = xs.map((x) => words([xOf(Math.log2(x)), HEIGHT - BOTTOM + 20], String(x), 'middle'));
  const lines = series.map(({ points: own }, index) => {
    const color = COLORS[index % COLORS.length] ?? INK;
    const dots = own.map(place).map(([x, y]) => `<circle cx="${x}" cy="${y}" r="3" fill="${color}"/>`);
    return polyline(own.map(place), color, 2) + dots.join('');
  });
  const names = nameHeights(series.map(({ points: own }) => yOf(Math.log10(own.at(-1)?.[1] ?? 10 ** low)))).map(
    (height, index) => words([WIDTH - RIGHT + 10, height + 4], series[index]?.name ?? '', 'start', colorOf(index)),
  );
  return svg({ width: WIDTH, height: HEIGHT, title, titleAt: [LEFT, 24] }, [
    ...grid,
    ...ticks,
    words([(LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10], xTitle, 'middle'),
    ...lines,
    ...names,
  ]);
}

/** Heights as near to the wished ones as can be without names over each other. */
function nameHeights(wished: readonly number[]): number[] {
  const heights = [...wished];
  const order = wished.map((_, index) => index).sort((a, b) => (wished[a] ?? 0) - (wished[b] ?? 0));
  for (const [rank, index] of order.entries()) {
    const above = heights[order[rank - 1] ?? -1];
    heights[index] = Math.max(wished[index] ?? 0, above === undefined ? -Infinity : above + NAME_HEIGHT);
  }
  return heights;
}

function colorOf(index: number): string {
  return COLORS[index % COLORS.length] ?? INK;
}
