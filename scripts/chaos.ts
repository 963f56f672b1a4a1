import { parseArgs } from 'node:util'
import type { Violation } from '../test/chaos/checker.ts'
import type { Call } from '../test/chaos/history.ts'
import { runNemesis } from '../test/chaos/nemesis.ts'

/**
 * `npm run chaos -- --seconds 120 --seed 7`: writer processes on two Redis servers that crash, freeze, lose data and
 * get cut off at random; then the history of every call is judged by the promises. The exit code is 1 where one was
 * broken, or where copies are left behind. `--falls 3`: each instance falls three times at most, since after the fourth
 * within a minute it stays down for that minute. The same seed chooses the same faults, though not their moments to the
 * millisecond.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '120' },
    seed: { type: 'string' },
    falls: { type: 'string' },
    quiet: { type: 'boolean' },
  },
})
const seconds = Number(values.seconds)
const seed = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed)
if (!(seconds > 0) || !Number.isSafeInteger(seed)) {
  console.error('usage: npm run chaos -- [--seconds 120] [--seed 7] [--falls 3] [--quiet]')
  process.exit(2)
}

const shown = (call: Call): string => {
  const { process: by, op, began, ended, outcome, code, reason } = call
  const what = 'key' in call ? call.key : call.scope
  const value = 'value' in call ? ` ${call.value}` : ''
  const how = `${outcome}${code === undefined ? '' : ` ${code} (${reason ?? ''})`}`
  return `    ${began.toFixed(1)} to ${ended.toFixed(1)}  ${by}  ${op} ${what}${value}: ${how}`
}
const tell = ({ promise, text, calls }: Violation): void => {
  console.log(`${promise === 'errors' ? '' : 'promise '}${promise}: ${text}`)
  for (const call of calls) console.log(shown(call))
}

console.log(`seed ${seed}, ${seconds} s`)
const result = await runNemesis({
  seconds,
  seed,
  ...(values.falls === undefined ? {} : { falls: Number(values.falls) }),
  ...(values.quiet ? {} : { say: (line) => console.log(line) }),
})
const { calls, violations, faults, done, during, back, unwell, left, folder } = result

const count = (outcome: Call['outcome']): number => calls.filter((call) => call.outcome === outcome).length
const codes = new Map<string, number>()
for (const { op, code } of calls) if (code) codes.set(`${op} ${code}`, (codes.get(`${op} ${code}`) ?? 0) + 1)
console.log(`\n${calls.length} calls: ${count('ok')} ok, ${count('failed')} failed, ${count('unknown')} unknown`)
console.log(`${during.one} while one instance was away, ${during.several} while both were`)
for (const [code, times] of [...codes].sort((a, b) => b[1] - a[1])) console.log(`  ${times}  ${code}`)
console.log(
  `done: ${Object.entries(done)
    .map(([name, times]) => `${times} ${name}`)
    .join(', ')}`,
)
console.log(back === undefined ? `never well again: ${unwell.join(' | ')}` : `well again after ${Math.round(back)} ms`)
if (left.length > 0) console.log(`left behind: ${left.length} keys, such as ${left.slice(0, 3).join(' ')}`)
for (const fault of faults) console.log(`fault: ${fault}`)
for (const violation of violations.slice(0, 20)) tell(violation)

const wrong = violations.length > 0 || faults.length > 0 || back === undefined || left.length > 0
console.log(
  `\nseed ${seed}: ${violations.length} violations, ${faults.length} faults, ${left.length} keys left${wrong ? `; see ${folder}` : ''}`,
)
process.exit(wrong ? 1 : 0)
