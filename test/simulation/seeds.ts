/**
 * Seeds that once showed a defect, and what it was. Their worlds change with the simulator, so the defects live on as mutants as
 * well; these are always run, because what struck once is near what may strike again.
 */
import type { Draw } from './draw.ts';

export interface KeptSeed {
  readonly seed: number;
  /** Of special worlds of one kind alone. */
  readonly draw?: Draw;
  readonly found: string;
  /** What was done about it; nothing where it was the simulator that was wrong, and was put right. */
  readonly fix?: string;
}

export const KEPT_SEEDS: readonly KeptSeed[] = [
  {
    seed: 1,
    found: 'a registration that waited while another process claimed the worker was never answered',
    fix: 'a process that is claimed over is told at once that it is fenced',
  },
  {
    seed: 21,
    found: 'a worker was told that it was fenced before that was durable',
    fix: 'no peer is told what the record says before the record is durable',
  },
  {
    seed: 183,
    found: 'a client that reconnected was not sent the cut that its earlier replies waited for',
    fix: 'a worker greets clients with its newest cut',
  },
  {
    seed: 263,
    found: 'a worker forgot answered calls which a decision covered, and made their session say that they were lost',
    fix: 'a session ends when a worker remembers less than is known to have survived',
  },
  {
    seed: 354,
    found: 'a replayed call for a worker that had been removed stayed in the queue for ever',
    fix: 'a session that replays asks for its workers again, and what is gone fails',
  },
  {
    seed: 370,
    found: 'a call submitted to a worker that had been removed stayed in the queue for ever',
    fix: 'a session asks for a worker at each call while it is not connected to it',
  },
  {
    seed: 508,
    found: 'a refusal of what a worker asked before a rollback stopped it after it had caught up',
    fix: 'a worker that goes on in a newer world-line takes no notice of refusals from before',
  },
  {
    seed: 707,
    found: 'completed calls of a removed worker were never reported committed',
    fix: 'a session keeps such calls apart, and asks the Finder for the cut that covers them',
  },
  {
    seed: 731,
    found: 'one number of the membership named two contents over a restart of the Finder',
    fix: 'clients are told of the membership that is durable, and of no other',
  },
  {
    seed: 211_685,
    found: 'an emptied volume was accepted, because the cut passed its reports only after the claim',
    fix: 'the cut takes in only what the claimed volume holds',
  },
  {
    seed: 207_686,
    found: 'a fenced registration was answered with the world-line of its successor, and executed in it',
    fix: 'a registration that was claimed over meanwhile is fenced',
  },
  {
    seed: 208_210,
    found: 'a registration whose worker was removed meanwhile was never answered',
    fix: 'it is told that its worker was removed',
  },
  {
    seed: 1_795_356_475_704,
    found: 'the simulator emptied the volume of an id that a process which woke up late had added again',
  },
  {
    seed: 1_795_365_973_374,
    found:
      'a worker whose successor had removed a file tried for ever to restore from it, instead of noticing the successor',
    fix: 'a worker that misses a file looks whether there is a successor, and stops if there is',
  },
  {
    seed: 1_795_366_828_901,
    found: "a volume's first checkpoints outlived a loss of power, and the file that says whose they are did not",
    fix: 'the name of the identity is synced before the volume is used',
  },
  {
    seed: 1_795_371_618_399,
    found: 'the reply to a batch in another process went to an old connection, whose copy of the batch came last',
    fix: 'a reply goes to the newest connection that the batch came on',
  },
  {
    seed: 1_795_374_978_447,
    found: 'the simulator blamed a process that lived on with a rotten disk, while its worker had been given a new one',
  },
  {
    seed: 1_795_376_173_936,
    found: 'the simulator took a late refusal, which was from when the cluster was full, for one of a member',
  },
  {
    seed: 1_795_378_046_225,
    found: 'the simulator wondered that a volume was refused while a predecessor went on to commit on it',
  },
  {
    seed: 1_795_378_693_887,
    found: 'the simulator waited for a session to be told of a cut, and the last session that waited for it had left',
  },
  {
    seed: 1_795_379_439_067,
    found:
      'a session that its worker had forgotten numbered on from 1; after another rollback the worker remembered, and answered a new batch with the reply to an old one',
    fix: 'a session that was forgotten ends, and says so',
  },
  {
    seed: 1_795_379_873_973,
    found:
      'a session went on with a process of a generation that it knew to be removed, and numbered its batches anew there',
    fix: 'a session meets no process of a generation that it knows to be removed',
  },
  {
    seed: 1_795_380_484_249,
    found: 'the simulator gave a minute to 270 calls that had to be committed one after another on a slow disk',
  },
  {
    seed: 1_795_385_709_337,
    found:
      'the simulator compared the state of a worker that had not heard of the last rollback, with a batch under way',
  },
  {
    seed: 1_795_386_459_451,
    found:
      'the simulator took it for damage, at the end, that a predecessor had tidied up what its successor had listed',
  },
  {
    seed: 1_795_386_653_950,
    found:
      'a retry was answered on a connection that had not been told of the cut that covered it, and was not told any more',
    fix: 'a worker tells of that cut with the reply',
  },
  {
    seed: 1_795_391_496_734,
    found: 'the simulator took a worker that had not heard of a rollback for one that remembers only what survived it',
  },
  {
    seed: 1_795_395_668_137,
    found: 'a worker was refused for want of room that others had got in a record which never became durable',
    fix: 'the Finder refuses a volume only once what it refuses it for is durable',
  },
  {
    seed: 1_795_399_675_779,
    found: 'the simulator gave a worker the disk of a process that served for a moment after it had been removed',
  },
  {
    seed: 1_795_411_991_171,
    found:
      'the simulator wondered that an idle worker caught up with two others which had been idle, and then with the clock',
  },
  {
    seed: 1_775,
    found:
      'the simulator missed the marker of a clean stop on the disk of a process that slept while its worker got another',
  },
  {
    seed: 990_017_001_206,
    found:
      'the simulator did not know of the right record, since the Finder that wrote it had died before it could say so',
  },
  {
    seed: 169_429_366_172,
    found: 'the simulator gave an id that was being added again the rotten disk of a process of its removed generation',
  },
  {
    seed: 71_020_399,
    found:
      'the simulator missed the marker of a clean stop on a volume whose files were moved away while its worker started',
  },
  {
    seed: 1_570,
    draw: 'turnover',
    found:
      'a rollback took the up-time back, and sessions that were closed after it gave way at once: a late copy of a batch executed again',
    fix: 'after a rollback clients are asked anew before sessions that were closed give way',
  },
  {
    seed: 1220,
    draw: 'revenants',
    found:
      'the simulator wanted a checkpoint on the platter that a rollback took back, and that a predecessor dropped meanwhile',
  },
  {
    seed: 3070,
    draw: 'turnover',
    found:
      'the simulator did not know since when a session waited for a batch that lay in the client because its worker did not read',
  },
  {
    seed: 1796000006898,
    found:
      'the simulator allowed no more replies in a restored table than may be kept, though some were acknowledged since they were written',
  },
  {
    seed: 1796500011262,
    found: 'an application of the simulator did not ask whether its calls were committed once all workers had left',
  },
  {
    seed: 1798000000011,
    found: 'the simulator let promises go on, for its checker alone, between the messages of one read',
  },
];
