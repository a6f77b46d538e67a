import { PROTOCOL_VERSION, type MessageOf } from '@dpr/protocol';

/** The greeting of a client that knows nothing of the cluster, but for these fields. */
export function hello(fields: Partial<MessageOf<'hello'>> = {}): MessageOf<'hello'> {
  return {
    kind: 'hello',
    protocol: PROTOCOL_VERSION,
    role: 'client',
    cluster: undefined,
    stamp: undefined,
    token: '',
    ...fields,
  };
}
