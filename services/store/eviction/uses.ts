/** Which operations use keys, as Redis counts it: the others look at a key, or walk by it. */
import type { OperationFields } from '../form.ts';
import { ASIDE, KINDS } from '../operations.ts';

export function isUse({ kind, options }: OperationFields): boolean {
  switch (kind) {
    case KINDS.head:
    case KINDS.range:
      return (options & ASIDE) === 0;
    case KINDS.expect:
    case KINDS.scan:
    case KINDS.flush:
    case KINDS.size:
      return false;
    default:
      return true;
  }
}
