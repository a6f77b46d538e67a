/** The generations in a worker's directory, for people: how large each is, and when it was written last; and their deletion. */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { nodeDisk, surveyVolume, systemCode } from '../storage/index.ts';
import { deleteGeneration } from './generations.ts';

/** One generation's volume. */
export interface GenerationOnDisk {
  readonly generation: number;
  /** A later one began since. Otherwise it is in use, or its worker was removed and not added again. */
  readonly kept: boolean;
  readonly bytes: number;
  /** When anything of it was written last, ms since 1970. */
  readonly writtenAt: number;
}

const NAME = /^generation-([1-9]\d*)(\.kept)?$/;

/** @param directory the worker's; @returns the newest first; none if there is no such directory */
export async function listGenerations(directory: string): Promise<GenerationOnDisk[]> {
  const found: GenerationOnDisk[] = [];
  for (const name of await namesIn(directory)) {
    const match = NAME.exec(name);
    if (match === null) continue;
    const facts = await measured(path.join(directory, name));
    found.push({ generation: Number(match[1]), kept: match[2] !== undefined, ...facts });
  }
  const newest = found.reduce((most, { generation }) => Math.max(most, generation), 0);
  return found
    .map((one) => ({ ...one, kept: one.kept || one.generation < newest }))
    .sort((a, b) => b.generation - a.generation);
}

/** Does it hold a checkpoint that can be restored? @throws StorageDamagedError, system errors */
export async function holdsCheckpoints(directory: string, generation: number): Promise<boolean> {
  const names = await namesIn(directory);
  const name = [`generation-${generation}.kept`, `generation-${generation}`].find((one) => names.includes(one));
  if (name === undefined) return false;
  return (await surveyVolume(nodeDisk(path.join(directory, name)))).checkpoints.length > 0;
}

/** Delete one that no process uses. @throws system errors */
export function deleteOnDisk(directory: string, generation: number): Promise<void> {
  return deleteGeneration(nodeDisk(directory), generation);
}

/** One line of a list. */
export function keptText(found: readonly GenerationOnDisk[]): string {
  return found
    .map(
      ({ generation, bytes, writtenAt }) =>
        `generation ${generation} (${bytesText(bytes)}, written ${timeText(writtenAt)})`,
    )
    .join(', ');
}

/** 1536 as `1.5 kB`. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1_000 && unit < units.length - 1; unit++) value /= 1_000;
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit] ?? ''}`;
}

/** In UTC, to the second. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').slice(0, 19);
}

async function measured(directory: string): Promise<Pick<GenerationOnDisk, 'bytes' | 'writtenAt'>> {
  let bytes = 0;
  let writtenAt = 0;
  for (const name of await namesIn(directory)) {
    const facts = await stat(path.join(directory, name)).catch(() => undefined); // pruned meanwhile
    bytes += facts?.size ?? 0;
    writtenAt = Math.max(writtenAt, Math.floor(facts?.mtimeMs ?? 0));
  }
  return { bytes, writtenAt };
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}
