import { openSide } from './recovery-side.ts'

/** A process that brings back what it can, until it is killed. Argument: what openSide takes, as JSON. */
const side = await openSide(JSON.parse(process.argv[2] ?? '{}'))
process.stdout.write('open\n')
setInterval(() => {
  if (side.journal.holds('primary')) {
    side.outages.enter('primary', () => side.journal.stats('primary').entries)
    void side.recovery.drain('primary')
  }
  if (side.primary.readable() && !side.journal.holds('primary')) process.stdout.write('done\n')
}, 20)
