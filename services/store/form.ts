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
  readonly time: number;
  readonly revision: number;
}

/** A form, and the rest of what there is to check. All have the same fields, so that reading one does not depend on which it is. */
export interface CheckedForm {
  readonly options: number;
  readonly hasValue: boolean;
  readonly maxValueBytes: number;
  readonly numbers: number;
  /** Whether what an operation of this form says is within its limits. */
  readonly isRight: (operation: OperationFields) => boolean;
}

/** @param isRight tells it of operations of any of these kinds */
export function checkedForms(
  forms: Readonly<Record<number, Form>>,
  isRight: CheckedForm['isRight'],
): Record<string, CheckedForm> {
  const entries = Object.entries(forms).map(([kind, { options, maxValueBytes, numbers }]): [string, CheckedForm] => [
    kind,
    { options, hasValue: maxValueBytes !== undefined, maxValueBytes: maxValueBytes ?? 0, numbers, isRight },
  ]);
  return Object.fromEntries(entries);
}

export function isWhole(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}
