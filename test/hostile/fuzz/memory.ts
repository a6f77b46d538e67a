/** How much memory the processes have, as they tell it themselves at their admin ports, and whether they answer there at all. */

/** One look at all processes. */
export interface Sample {
  /** Since the beginning, ms. */
  readonly atMs: number;
  /** By the name of the process. */
  readonly bytes: Readonly<Record<string, number>>;
}

/** What a worker is told that it may use; no process may ever have more. */
export const MAX_RESIDENT_BYTES = 1024 * 2 ** 20;
/** A process that does not answer its probe for so long is restarted by supervisors. */
const ANSWER_LIMIT_MS = 5_000;

/** @throws Error when the process does not answer, or tells nothing of its memory */
export async function residentBytes(name: string, adminPort: number): Promise<number> {
  const address = `http://127.0.0.1:${adminPort}/metrics`;
  const signal = AbortSignal.timeout(ANSWER_LIMIT_MS);
  const text = await fetch(address, { signal }).then(
    (response) => response.text(),
    (error: unknown) => {
      throw new Error(`${name} does not answer at its admin port`, { cause: error });
    },
  );
  const bytes = Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1]);
  if (!(bytes > 0)) throw new Error(`${name} does not tell its memory`);
  return bytes;
}

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
const INK = '#7a7a7a';
const GRID_LINES = 4;
/** More than the chart is wide would not be seen. */
const MAX_POINTS = 600;

/** Memory over time, as an SVG that reads on light and dark ground. @param boundBytes the top of the chart */
export function memoryChart(samples: readonly Sample[], title: string, boundBytes: number): string {
  const endMs = samples.at(-1)?.atMs ?? 1;
  const x = (ms: number): string => (LEFT + (ms / endMs) * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const y = (bytes: number): string => (HEIGHT - BOTTOM - (bytes / boundBytes) * (HEIGHT - TOP - BOTTOM)).toFixed(1);
  const words = (at: string | number, height: string | number, text: string, anchor = 'start', color = INK): string =>
    `<text x="${at}" y="${height}" text-anchor="${anchor}" fill="${color}">${text}</text>`;
  const shown = thinned(samples);
  const grid = Array.from({ length: GRID_LINES + 1 }, (_, nth) => {
    const bytes = (nth * boundBytes) / GRID_LINES;
    const line = `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(bytes)}" y2="${y(bytes)}" stroke="${INK}" stroke-opacity="0.3"/>`;
    return line + words(LEFT - 6, y(bytes), `${mebibytes(bytes)}`, 'end');
  });
  const lines = Object.keys(samples[0]?.bytes ?? {}).map((name, index) => {
    const color = COLORS[index % COLORS.length] ?? INK;
    const points = shown.map(({ atMs, bytes }) => `${x(atMs)},${y(bytes[name] ?? 0)}`).join(' ');
    const legend = words(WIDTH - RIGHT + 10, TOP + 18 * index, name, 'start', color);
    return `<polyline fill="none" stroke="${color}" stroke-width="1.5" points="${points}"/>${legend}`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" role="img">`,
    `<title>${title}</title>`,
    words(LEFT, 20, title),
    ...grid,
    ...lines,
    words(LEFT, HEIGHT - 15, '0'),
    words(WIDTH - RIGHT, HEIGHT - 15, `${(endMs / 60_000).toFixed(1)} min`, 'end'),
    '</svg>',
    '',
  ].join('\n');
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
