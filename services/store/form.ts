/** What the operations of a kind have, whatever their options say. */
export interface Form {
  /** Options that it may have. */
  readonly options: number;
  /** How long its value may be; undefined: it has none. */
  readonly maxValueBytes?: number;
  /** How many numbers it has, besides those that are there by its options. */
  readonly numbers: number;
}

/** What an operation says, and where its value lies. */
export interface OperationFields {
  readonly kind: number;
  readonly options: number;
  readonly memory: DataView;
  readonly value: number;
  readonly valueLength: number;
  readonly first: number;
  readonly second: number;
  readonly third: number;
}
