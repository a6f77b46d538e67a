/** A key that was sought, and where its record is. */
import { HIDDEN, valueAt, valueLengthAt } from './records.ts';

export const NOTHING: DataView = new DataView(new ArrayBuffer(0));

export class Cursor {
  /** 0, or `HIDDEN` for a record that is no key of a user's. */
  readonly hidden: number;
  /** The key's bytes; they stay as they are while the cursor is used. */
  source: DataView = NOTHING;
  from = 0;
  length = 0;
  hash = 0;
  /** Of the record; 0: none. */
  address = 0;
  /** Where that is. */
  memory: DataView = NOTHING;
  at = 0;

  constructor(isHidden: boolean) {
    this.hidden = isHidden ? HIDDEN : 0;
  }

  /** Where the record's value begins in `memory`. */
  get value(): number {
    return valueAt(this.memory, this.at);
  }

  get valueLength(): number {
    return valueLengthAt(this.memory, this.at);
  }
}
