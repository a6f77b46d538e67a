/** The cluster that is under fire: a Finder and stores. */
import type { Cluster } from '@dpr/client';

export interface FireTarget {
  /** Where Redis clients reach its stores. */
  readonly host: string;
  respPort(store: number): number;
  connect(): Promise<Cluster>;
  /** Whether all its processes serve, as far as is known. */
  allServe(): boolean;
  /**
   * Kill a process at once, as far as that can be.
   * @returns whether there was one to be killed
   */
  kill(process: string): Promise<boolean>;
  /**
   * Have a process stand still for so long.
   * @returns once it goes on, or was killed meanwhile; false: there was none
   */
  holdStill(process: string, ms: number): Promise<boolean>;
}
