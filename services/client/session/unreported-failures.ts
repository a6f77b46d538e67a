/**
 * Failures that a commit has to tell of: those of calls that the application does not look at. It does once it waits for the call's
 * result or for its commit; a failure that comes after its result is told to who waits for its commit alone.
 */
import { errorOfPlaces, faultOf, placesOf } from './batch-answer.ts';
import type { Cargo, Failure, PartialFailure } from './batch.ts';
import { MAX_UNREPORTED_OPERATIONS } from '../limits.ts';

/** All calls of the batch failed. @param error of each */
export function wholeFailure(cargo: Cargo, error: Error): Failure {
  const isLate = cargo.results !== undefined;
  let left = cargo.calls - (isLate ? cargo.watched : cargo.seen);
  return {
    left: () => left,
    look(_part, at, isFirst) {
      if (isLate ? at === 'commit' : isFirst) left--;
    },
    tell() {
      left = 0;
      return error;
    },
  };
}

/**
 * @param failed the places of these operations
 * @param before those of the earlier results that this batch had, if it had any
 * @param errorOf makes an error of what is left
 */
export function partialFailure(
  cargo: Cargo,
  failed: readonly number[],
  before: readonly number[] | undefined,
  errorOf: (places: readonly number[]) => Error,
): PartialFailure {
  const isLate = before !== undefined;
  const told = new Uint8Array(cargo.batch.count);
  for (const place of before ?? []) if (cargo.failure?.places?.has(place) !== true) told[place] = 1;
  const looked = (isLate ? cargo.watchedPlaces : cargo.seenPlaces) ?? [];
  for (let at = 0; at < looked.length; at += 2) {
    const from = looked[at] ?? 0;
    told.fill(1, from, from + (looked[at + 1] ?? 0));
  }
  const places = new Set(failed.filter((place) => told[place] !== 1));
  return {
    places,
    left: () => places.size,
    look({ index, count }, at) {
      if (isLate && at !== 'commit') return;
      for (let place = index; place < index + count; place++) places.delete(place);
    },
    tell() {
      const error = errorOf([...places]);
      places.clear();
      return error;
    },
  };
}

/** What failed of a batch that has this answer, which is not taken in yet. */
export function failureIn(cargo: Cargo, answer: unknown): Failure | undefined {
  const fault = faultOf(answer);
  if (fault !== undefined) return wholeFailure(cargo, fault);
  const places = placesOf(answer);
  if (places.length === 0 && cargo.failure === undefined) return undefined;
  const before = cargo.results === undefined ? undefined : placesOf(cargo.results);
  return partialFailure(cargo, places, before, (left) => errorOfPlaces(cargo, answer, left));
}

/** Of one session. */
export class Unreported {
  #failures: Failure[] = [];
  #operations = 0;

  add(failure: Failure): void {
    if (this.#operations + failure.left() > MAX_UNREPORTED_OPERATIONS) this.#sweep();
    // Of as many a commit tells but the first.
    if (this.#operations > 0 && this.#operations + failure.left() > MAX_UNREPORTED_OPERATIONS) return;
    this.#operations += failure.left();
    this.#failures.push(failure);
  }

  /** @returns the first error that the application was not told of; then all are told */
  take(): Error | undefined {
    const first = this.#failures.find((failure) => failure.left() > 0);
    const error = first?.tell();
    for (const failure of this.#failures) if (failure.left() > 0) failure.tell();
    this.#failures = [];
    this.#operations = 0;
    return error;
  }

  /** What the application looked at since is told. */
  #sweep(): void {
    this.#failures = this.#failures.filter((failure) => failure.left() > 0);
    this.#operations = this.#failures.reduce((sum, failure) => sum + failure.left(), 0);
  }
}
