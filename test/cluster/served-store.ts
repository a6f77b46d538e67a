/** A cluster of real processes with a counter and a store, of which the store serves Redis clients. */
import { makePlace, type Place } from './harness.ts';

/** The store's id. */
export const STORE = 1;

export interface ServedStore {
  readonly place: Place;
  /** Where Redis clients reach it. */
  readonly port: number;
}

export async function startStore(settings: Record<string, unknown> = {}): Promise<ServedStore> {
  const place = await makePlace({ workers: [] });
  place.edit({
    workers: [
      { id: 0, type: 'counter' },
      { id: STORE, type: 'store' },
    ],
    respBasePort: place.respBasePort,
    ...settings,
  });
  await place.start();
  return { place, port: place.respBasePort + STORE };
}
