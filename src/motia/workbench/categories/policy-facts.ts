import type { CategoryView } from '../../../sight/contract.js'
import { formatBytes, formatDuration, formatPercent } from '../format.js'

const outages: Readonly<Record<CategoryView['policy']['onOutage'], string>> = {
  failover: 'another instance stands in',
  'fail-closed': 'calls are refused',
  drop: 'reads miss, writes are dropped',
}

const orNone = (ms: number | false): string => (ms === false ? 'none' : formatDuration(ms))

/** A policy as names and what they are, in words. */
export const policyFacts = (policy: CategoryView['policy']): readonly (readonly [string, string])[] => [
  ['ttl', formatDuration(policy.ttl)],
  ['grace', orNone(policy.grace)],
  ['jitter', formatPercent(policy.jitter)],
  ['negative ttl', orNone(policy.negativeTtl)],
  ['copies in memory', policy.l1 === false ? 'none' : `for ${formatDuration(policy.l1)}`],
  ['mirror', policy.mirror ? 'every write on two instances' : 'no'],
  ['in an outage', outages[policy.onOutage]],
  ['largest value', formatBytes(policy.maxBytes)],
  ['compressed', policy.compressAbove === false ? 'never' : `above ${formatBytes(policy.compressAbove)}`],
  ['codec', policy.codec],
  ['schema', policy.schema ? 'yes' : 'no'],
  ['loader', policy.loader ? 'yes' : 'no'],
  ['sensitive', policy.sensitive ? 'yes: its values are shown nowhere' : 'no'],
]
