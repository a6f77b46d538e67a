/** In the Finder, and in what it shares with workers and sessions: cuts, and the history of decisions. */
import { CORE, STORAGE, change, mutant, type Mutant } from './mutant.ts';

export const FINDER_MUTANTS: readonly Mutant[] = [
  mutant(
    '03 only the latest prefix is kept',
    `${CORE}/world-lines.ts`,
    'surviving = Math.min(surviving, decision.prefix.get(worker) ?? 0);',
    'surviving = decision.prefix.get(worker) ?? 0;',
  ),
  mutant(
    '06 a removed worker is taken out of the cut',
    `${CORE}/finder/membership.ts`,
    '    tombstones: new Map(record.tombstones).set(id, tombstone),',
    '    tombstones: new Map(record.tombstones).set(id, tombstone), cut: new Map([...record.cut].filter(([one]) => one !== id)),',
  ),
  mutant(
    '08 a repeated registration starts another world-line',
    `${CORE}/finder/membership.ts`,
    '  if (member.registered === incarnation) {\n',
    '  if (member.registered === incarnation && false) {\n',
  ),
  mutant('13 rolled-back versions count in the cut', `${CORE}/finder/membership.ts`, '  finder.graph.clear();\n', ''),
  mutant(
    '16 a cut is exposed before it is durable',
    `${CORE}/finder/reports.ts`,
    'send(finder, connection, { ...ownCut(exposed, worker), decisions: missing });',
    'send(finder, connection, { ...exposed.cut, cut: new Map([[worker, (exposed.record.worldLine === finder.record.worldLine ? finder : exposed).record.cut.get(worker) ?? 0]]), decisions: missing });',
  ),
  mutant(
    "18 a zombie's late report is accepted",
    `${CORE}/finder/reports.ts`,
    'if (id === undefined || member?.registered !== peer.incarnation || member?.claimed !== peer.incarnation) return;',
    'if (id === undefined || member === undefined) return;',
    change(`${CORE}/finder/membership.ts`, '  if (peer) peer.resent = false;\n  log', '  log'),
  ),
  mutant(
    '22 an emptied volume is accepted',
    `${CORE}/finder/membership.ts`,
    '  if (holds) return undefined;\n',
    '  if (holds || checkpoints.length === 0) return undefined;\n',
  ),
  mutant(
    "24 a zombie's clean-shutdown marker is believed",
    `${CORE}/finder/membership.ts`,
    'if (clean?.incarnation !== member.registered || clean.version !== newest) return true;',
    'if (clean === undefined) return true;',
    change(
      `${STORAGE}/volume.ts`,
      '  const log = await createManifestLog(',
      `  for (const one of manifestIncarnations(await disk.list())) {
         const other = await loadManifest(disk, one, identity);
         if (other?.manifest.state.clean) state.clean = other.manifest.state.clean;
       }
       const log = await createManifestLog(`,
    ),
  ),
  mutant(
    '27 a checkpoint of a dead world-line is taken in',
    `${CORE}/finder/reports.ts`,
    'if (version <= covered || written !== worldLine) continue;',
    'if (version <= covered) continue;',
    change(`${CORE}/finder/reports.ts`, 'worldLine: written } of listed', '} of listed'),
    change(`${CORE}/finder/reports.ts`, 'const { cut, worldLine } = finder.record;', 'const { cut } = finder.record;'),
  ),
  mutant(
    '28 a clean rejoin without rollback after the world-line moved',
    `${CORE}/finder/membership.ts`,
    'const cleanHere = !lost && message.clean?.worldLine === record.worldLine;',
    'const cleanHere = !lost && message.clean !== undefined;',
    change(
      `${CORE}/finder/membership.ts`,
      'const base = cleanHere ? Math.max(covered, chain.at(-1)?.version ?? covered) : covered;',
      'const base = cleanHere ? Math.max(covered, message.clean?.version ?? covered) : covered;',
    ),
    change(
      `${CORE}/worker/join.ts`,
      'info.version === base && base <= survivingVersion(decisions, config.id, info.worldLine),',
      'info.version === base,',
    ),
  ),
  mutant(
    '32 a prefix below a cut whose write was in flight',
    `${CORE}/finder/membership.ts`,
    '  const prefix: Versions = record.cut;\n',
    '  const prefix: Versions = finder.exposed?.record.cut ?? record.cut;\n  change(finder, { cut: prefix });\n',
  ),
  mutant(
    '33 the boot id is forgotten over a Finder restart',
    `${CORE}/finder/finder.ts`,
    '  finder.record = record ?? { ...UNLOADED, cluster };\n',
    `  finder.record = record ?? { ...UNLOADED, cluster };
     const forgotten = '00'.repeat(16);
     finder.record = { ...finder.record, members: new Map([...finder.record.members].map(([id, member]) => [id, { ...member, boot: forgotten }])) };
`,
  ),
  mutant(
    '36 a started Finder exposes a record that it only read',
    `${CORE}/finder/finder.ts`,
    "  finder.phase = 'starting';\n",
    `  finder.phase = 'starting';
     if (record !== undefined) {
       finder.phase = 'settling';
       finder.exposed = expose(record, undefined);
     }
`,
  ),
  mutant(
    "37 a generation's versions start again",
    `${CORE}/finder/membership.ts`,
    'const base = tombstone?.version ?? 0;',
    'const base = 0;',
  ),
  mutant(
    '38 a registration that another process superseded is not answered',
    `${CORE}/finder/membership.ts`,
    '    if (open) register(finder, connection, message, true);\n',
    '    if (open && member?.claimed === message.incarnation) register(finder, connection, message, true);\n',
  ),
  mutant(
    '41 the membership depends on who has claimed',
    `${CORE}/finder/finder.ts`,
    '.filter(([id]) => (record.members.get(id)?.registered ?? 0) === 0)',
    '.filter(([id]) => !record.members.has(id))',
  ),
  mutant(
    '42 a worker hears of its removal before it is durable',
    `${CORE}/finder/reports.ts`,
    "if (removed) return sendWhenDurable(finder, connection, { kind: 'left' });",
    "if (removed) return send(finder, connection, { kind: 'left' });",
  ),
  mutant('49 the cut is closed under direct dependencies only', `${CORE}/cut.ts`, '    lowered.push(worker);\n', ''),
  mutant(
    '50 a gap in the chain of checkpoints is accepted',
    `${CORE}/finder/reports.ts`,
    'if (version <= last || (chain.length === 0 ? predecessor > covered : predecessor !== last)) break;',
    'if (version <= last) break;',
    change(
      `${CORE}/worker/join.ts`,
      'const checkpoints = uncommitted.map(',
      'const checkpoints = uncommitted.slice(-1).map(',
    ),
  ),
  mutant(
    '51 a decision entitles the last incarnation that registered',
    `${CORE}/finder/membership.ts`,
    'entitled.set(id, member.claimed);',
    'entitled.set(id, member.registered);',
  ),
  mutant(
    "55 a tombstone forgets its worker's incarnations",
    `${CORE}/finder/membership.ts`,
    'const incarnation = tombstone?.incarnation ?? 0;',
    'const incarnation = 0;',
  ),
  mutant(
    '56 a removal by force is no failure',
    `${CORE}/finder/membership.ts`,
    "if (member.registered > 0) decide(finder, { worker: id, reason: 'a worker was removed by force' }, id);",
    '',
  ),
  mutant(
    '57 a worker leaves before the cut covers it',
    `${CORE}/finder/membership.ts`,
    'if (peer?.drained !== undefined && peer.drained <= (finder.record.cut.get(id) ?? 0)) remove',
    'if (peer?.drained !== undefined) remove',
  ),
  mutant(
    '63 the cut counts on reports of a volume that is gone',
    `${CORE}/finder/membership.ts`,
    '    keepListed(finder, message);\n',
    '',
  ),
  mutant(
    '64 a registration is answered with a world-line that goes on without it',
    `${CORE}/finder/held-answers.ts`,
    'if (member?.claimed !== incarnation) {\n',
    'if (member === undefined) {\n',
  ),
  mutant(
    '65 a worker that has nothing left to commit is not told of the cut',
    `${CORE}/finder/finder.ts`,
    'if (before?.record.cut.get(id) !== cut.get(id)) send',
    'if (before?.record.cut.get(id) !== cut.get(id) && finder.graph.has(id)) send',
  ),
  mutant(
    '66 decisions are told only to workers whose entry of the cut changed',
    `${CORE}/finder/finder.ts`,
    '  if (missing.length > 0) {\n',
    '  if (missing.length > Infinity) {\n',
  ),
  mutant(
    '68 members change in a record that is being written',
    `${CORE}/finder/finder.ts`,
    '  finder.ownMembers = undefined;\n',
    '',
  ),
  mutant(
    '69 the newest decisions are forgotten first',
    `${CORE}/world-lines.ts`,
    'return decisions.slice(decisions.length - kept);',
    'return decisions.slice(0, kept);',
  ),
  mutant(
    '96 a repeated claim gets another incarnation',
    `${CORE}/finder/membership.ts`,
    '  if (member.boot !== boot) {\n',
    '  if (member.boot !== boot || member.registered > 0) {\n',
  ),
  mutant(
    '99 the generation of an id starts again',
    `${CORE}/finder/membership.ts`,
    'generation: (tombstone?.generation ?? 0) + 1,',
    'generation: 1,',
  ),
  mutant(
    '141 the Finder does not compare stamps',
    `${CORE}/finder/finder.ts`,
    "if (stamp !== undefined && peer.role === 'worker' && isNewer(finder, stamp)) {",
    'if (stamp !== undefined && stamp.counter > Infinity) {',
  ),
  mutant(
    '142 a start that the record does not know is taken for a forgotten one',
    `${CORE}/finder/record-settling.ts`,
    'if (place < 0) return stamp.counter >= (starts[0]?.counter ?? 0);',
    'if (place < 0) return false;',
  ),
  mutant(
    '143 stamps of a start that went on elsewhere are taken for known',
    `${CORE}/finder/record-settling.ts`,
    'return stamp.counter >= (next?.counter ?? counter + 1);',
    'return next === undefined && stamp.counter > counter;',
  ),
  mutant(
    '144 a Finder with an old record refuses only those who know better',
    `${CORE}/finder/record-settling.ts`,
    "  finder.phase = 'refusing';\n",
    '',
  ),
  mutant(
    '160 a Finder enters its start before members have told what they saw',
    `${CORE}/finder/finder.ts`,
    '  if (finder.unheard.size > 0) issue(finder);\n',
    '',
  ),
  mutant(
    '161 one member that was heard of stands for all',
    `${CORE}/finder/record-settling.ts`,
    '  finder.unheard.delete(worker);\n',
    '  finder.unheard.clear();\n',
  ),
  mutant(
    '162 what was asked of a Finder that has not settled is answered',
    `${CORE}/finder/held-answers.ts`,
    '  if (!finder.dirty && finder.writing === undefined) {\n',
    "  if (finder.phase === 'settling' || (!finder.dirty && finder.writing === undefined)) {\n",
  ),
  mutant(
    '180 a worker that was removed begins empty without a word',
    `${CORE}/finder/earlier-generations.ts`,
    'return generation === 0 ? { seed: undefined } : {',
    'return generation >= 0 ? { seed: undefined } : {',
  ),
  mutant(
    '181 a survey from before the removal is believed',
    `${CORE}/finder/earlier-generations.ts`,
    '  if (message.removed < newest) {\n',
    '  if (message.removed > newest) {\n',
  ),
  mutant(
    '182 a later claim of a generation is not told what it begins with',
    `${CORE}/finder/membership.ts`,
    '    seed: isUsed ? undefined',
    '    seed: isUsed || claimed > (finder.record.tombstones.get(id)?.incarnation ?? 0) + 1 ? undefined',
  ),
  mutant(
    '214 owners are not asked for what others wait for',
    `${CORE}/finder/blocked-commits.ts`,
    'if (version > durableOf(finder, owner)) askFor(finder, owner, version, false);',
    'if (version > Infinity) askFor(finder, owner, version, false);',
  ),
  mutant(
    '215 a dependency on what never was is waited for',
    `${CORE}/finder/reports.ts`,
    '    kept.delete(owner);\n',
    '',
  ),
  mutant(
    '216 what a removed worker never executed is waited for',
    `${CORE}/finder/membership.ts`,
    '  forgetOwner(finder, id);\n',
    '',
  ),
  mutant(
    '217 what others waited for is asked for after a rollback',
    `${CORE}/finder/membership.ts`,
    '  finder.waits.wanted = new Map();\n',
    '',
  ),
  mutant(
    '218 the Finder does not note which versions workers report',
    `${CORE}/finder/reports.ts`,
    '    noteReached(finder, version);\n    finder.graph.set(id, chain);',
    '    finder.graph.set(id, chain);',
  ),
  mutant(
    '223 a dependency on a version that its owner skipped waits for a later one to be in the cut',
    `${CORE}/cut.ts`,
    'const isMet = next === undefined ? version <= newest : version < next.version;',
    'const isMet = next === undefined ? version <= newest : version <= newest;',
  ),
  mutant(
    '224 what is not durable yet counts as nothing',
    `${CORE}/cut.ts`,
    'const isMet = next === undefined ? version <= newest : version < next.version;',
    'const isMet = next === undefined ? true : version < next.version;',
  ),
];
