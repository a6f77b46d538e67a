/** A process that takes the lock of the directory that it is given, says so, and keeps it until it is killed. */
import { volumeLock } from '../../../services/runtime/storage/index.ts';

const [directory = ''] = process.argv.slice(2);
await volumeLock(directory);
process.stdout.write('held');
setInterval(() => undefined, 60_000);
