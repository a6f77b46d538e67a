import type { MessageOf } from '@dpr/protocol';
import { clientHello } from '../../services/runtime/greeting.ts';

/** The greeting of a client that knows nothing of the cluster, but for these fields. */
export function hello(fields: Partial<MessageOf<'hello'>> = {}): MessageOf<'hello'> {
  return { ...clientHello(''), ...fields };
}
