/** What to use in place of commands of Redis that the store does not have. */
const SCRIPTS = 'scripts are not there: use MULTI with WATCH, or SET with NX, XX and GET';
const MESSAGES = 'messages and streams are not there: use a broker for them';
const BITS = 'bits and the like are not there: use GETRANGE and SETRANGE';
const WAITING = 'commands that wait are not there: ask again after a while, with LPOP, LMPOP, ZPOPMIN or the like';
const OPERATING = 'settings, volumes and membership are those of the cluster: use its config, and the dpr command';

/** Beginnings of names, the first that fits. */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/^(eval|evalsha|script|function|fcall)/, SCRIPTS],
  [/^(p?subscribe|p?unsubscribe|publish|pubsub|s?subscribe|spublish|x[a-z]+|monitor)$/, MESSAGES],
  [/^(bit|setbit$|getbit$|pf|geo)/, BITS],
  [/^b[lrz][a-z]+$/, WAITING],
  [
    /^(acl|bgrewriteaof|bgsave|cluster|debug|failover|latency|memory|module|psync|replicaof|shutdown|slaveof|slowlog|sync)$/,
    OPERATING,
  ],
];
export function adviceFor(name: string): string | undefined {
  const found = ADVICE.find(([pattern]) => pattern.test(name));
  return found?.[1] ?? 'COMMAND LIST tells what there is';
}
