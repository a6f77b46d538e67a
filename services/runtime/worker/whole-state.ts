/** The state of an object that hands over all of it at once: one section, which is read into one buffer. */
import { StorageDamagedError, type RestoredState, type StateReader } from '../storage/index.ts';

/** What `finish` gives: the state's bytes, or the file that a store wrote. */
export type WholeState = { readonly bytes: Buffer } | { readonly path: string };

export interface WholeStateReader extends StateReader {
  /** @param state what the reading gave */
  readonly finish: (state: RestoredState) => WholeState;
}

/** @param maxStateBytes a state that is larger is not read, unless it is a file */
export function wholeStateReader(maxStateBytes: number, version: number): WholeStateReader {
  let whole = Buffer.alloc(0);
  let end = 0;
  return {
    maxStateBytes,
    openState({ since, bytes }) {
      if (since !== version) {
        throw new StorageDamagedError(
          `the state of checkpoint ${version} is written in sections since ${since}: this worker type cannot read them`,
        );
      }
      whole = Buffer.allocUnsafe(bytes);
      return (piece) => {
        piece.bytes.copy(whole, end);
        end += piece.bytes.length;
      };
    },
    finish: (state) => ('path' in state ? { path: state.path } : { bytes: whole }),
  };
}
