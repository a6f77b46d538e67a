/** The story of a seed for people: a line for each event, with a column for each process. */
import type { ActorState, Told } from '../run.ts';

/** The columns are named again after this many lines. */
const LINES_PER_HEADING = 40;

const LIFE: Readonly<Record<ActorState['state'], string>> = {
  runs: '│',
  'runs twice': '║',
  'is paused': '┊',
  'is down': ' ',
};

export const LEGEND = `Columns: F the Finder, W0… workers, C0… clients. ● it happens there; │ runs, ║ two processes of one worker run, ┊ paused, blank: down.
Times in ms. "truth" is what the checker knows: world-lines and cuts, worker:version.`;

/** @returns what to print for each event, heading included where one is due */
export function createTracer(): (told: Told) => string[] {
  let lines = 0;
  let columns = 0;
  return (told) => {
    const time = told.atMs.toFixed(3).padStart(10);
    if (told.atMs === 0) return [`${time}  ${told.actor.padEnd(13)}  ${told.text}`]; // the world is being made
    const printed: string[] = [];
    if (columns !== told.actors.length || lines % LINES_PER_HEADING === 0) printed.push(heading(told.actors));
    columns = told.actors.length;
    lines++;
    printed.push(`${time}  ${marks(told)} ${told.actor.padEnd(13)}  ${told.text}`);
    return printed;
  };
}

function heading(actors: readonly ActorState[]): string {
  return `${'ms'.padStart(10)}  ${actors.map(({ name }) => shortName(name).padEnd(3)).join('')} who            what`;
}

function shortName(name: string): string {
  const [kind = '', number = ''] = name.split(' ');
  return `${kind.charAt(0).toUpperCase()}${number}`;
}

/** Every process's column; a frame is an arrow from its sender's to its receiver's. */
function marks({ actors, process, to }: Told): string {
  const cells = actors.map(({ state }) => `${LIFE[state]}  `);
  const at = actors.findIndex(({ name }) => name === process);
  if (at < 0) return cells.join('');
  const target = to === undefined ? -1 : actors.findIndex(({ name }) => name === to);
  if (target >= 0 && target !== at) {
    const [low, high] = at < target ? [at, target] : [target, at];
    for (let cell = low; cell < high; cell++) cells[cell] = '───';
    cells[target] = target > at ? '▶  ' : '◀──';
    cells[at] = at < target ? '●──' : '●  ';
  } else {
    cells[at] = '●  ';
  }
  return cells.join('');
}
