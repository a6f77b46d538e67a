/** A process that takes the lock of the directory that it is given, says so, and keeps it until it is killed. */
import { volumeLock } from '../../../services/runtime/storage/index.ts';

const [directory = '', how] = process.argv.slice(2);
const refused = Object.assign(new Error('refused'), { code: 'EOPNOTSUPP' });
await (how === undefined
  ? volumeLock(directory)
  : volumeLock(directory, { bind: () => Promise.reject(refused), platform: 'linux' }));
process.stdout.write('held');
setInterval(() => undefined, 60_000);
