import { onTestFinished, vi } from 'vitest'
import { redisTiers } from '../../src/tiers.ts'
import type { InstanceHealth, InstanceState, RedisTiers, RedisTiersOptions, TiersEvents } from '../../types/index.ts'
import { testFolder } from './folder.ts'
import { patientEnv } from './patience.ts'

export interface TestTiers {
  readonly tiers: RedisTiers
  /** Each instance:state event, as 'secondary up -> down (no writes)'. */
  readonly changes: string[]
  readonly failovers: TiersEvents['failover'][0][]
  readonly failbacks: TiersEvents['failback'][0][]
}

/** Tiers of one test, with deadlines far above what it takes and a folder of their own, unless `env` names others. Closed after the test. */
export const openTestTiers = (
  env: Readonly<Record<string, string>>,
  options: RedisTiersOptions<Record<string, unknown>> = {},
): TestTiers => {
  const tiers = redisTiers({ ...options, env: { MOTIA_REDIS_DIR: testFolder(), ...patientEnv, ...env } })
  const changes: string[] = []
  const failovers: TiersEvents['failover'][0][] = []
  const failbacks: TiersEvents['failback'][0][] = []
  tiers.on('instance:state', ({ name, state, writable }: InstanceHealth, previous: InstanceState) => {
    changes.push(`${name} ${previous} -> ${state}${writable ? '' : ' (no writes)'}`)
  })
  tiers.on('failover', (event) => void failovers.push(event))
  tiers.on('failback', (event) => void failbacks.push(event))
  onTestFinished(() => tiers.close())
  return { tiers, changes, failovers, failbacks }
}

/** What is said on the console until the test ends, instead of showing it. */
export const heard = (): string[] => {
  const lines: string[] = []
  for (const level of ['log', 'warn', 'error'] as const) {
    const spy = vi.spyOn(console, level).mockImplementation((line) => void lines.push(String(line)))
    onTestFinished(() => spy.mockRestore())
  }
  return lines
}
