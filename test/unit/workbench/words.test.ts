import { describe, expect, it } from 'vitest'
import { chartKinds, linesFor } from '../../../src/motia/workbench/categories/charts.ts'
import { policyFacts } from '../../../src/motia/workbench/categories/policy-facts.ts'
import {
  drillEnd,
  instanceTone,
  placeWord,
  stateWord,
  statusWord,
  troubleOf,
} from '../../../src/motia/workbench/instance-words.ts'
import type { CategoryView, InstanceView, MinuteView, Overview } from '../../../src/sight/contract.ts'

describe('how an instance stands', () => {
  const standing = (state: InstanceView['state'], readable = true, writable = true) => {
    const of = { state, readable, writable }
    return `${stateWord(of)} ${instanceTone(of)}`
  }

  it('as the home of something is away only if it is: others refuse writes, or are still catching up', () => {
    const trouble = (state: InstanceView['state'], readable: boolean, writable: boolean) =>
      troubleOf('one', [
        { name: 'two', state: 'up', readable: true, writable: true },
        { name: 'one', state, readable, writable },
      ])
    expect(trouble('up', true, false)).toBe('one takes no writes now')
    expect(trouble('catching-up', false, true)).toBe('one is catching up')
    expect(trouble('down', false, false)).toBe('one is away')
    expect(troubleOf('one', [])).toBe('one is away')
  })

  it('is said by what it can do, not only by its state', () => {
    expect(standing('up')).toBe('up ok')
    expect(standing('up', true, false)).toBe('takes no writes warn')
    expect(standing('up', false)).toBe('not read yet warn')
    expect(standing('suspect')).toBe('suspect warn')
    expect(standing('down', false, false)).toBe('down bad')
    expect(standing('probing', false, false)).toBe('probing info')
    expect(standing('catching-up', false)).toBe('catching up info')
  })
})

describe('how the whole stands', () => {
  const word = (status: Overview['status'], servedBy: string | undefined, writable = true): string => {
    const [home, state] = ['primary', 'up'] as const
    return statusWord({
      status,
      routing: [{ home, servedBy } as Overview['routing'][number]],
      instances: [{ name: home, state, readable: true, writable } as InstanceView],
    })
  }

  it('a stand-in is spoken of only where one serves', () => {
    expect(word('ok', 'primary')).toBe('All instances serve')
    expect(word('degraded', 'secondary', false)).toBe('A stand-in serves')
    expect(word('degraded', undefined, false)).toBe('Not everything is served')
    expect(word('degraded', 'primary', false)).toBe('primary: takes no writes')
    expect(word('outage', undefined)).toBe('No instance serves')
  })

  it('places are named in words, and a drill says until when it lasts', () => {
    expect(['secondary', 'embedded', 'motia-state'].map(placeWord)).toEqual([
      'secondary',
      'files of this machine',
      "Motia's state",
    ])
    expect(drillEnd('drill: treated as gone until 2030-01-01T00:00:00.000Z')).toBe(Date.UTC(2030, 0))
    expect(drillEnd('connection refused')).toBeUndefined()
  })
})

describe('a policy', () => {
  const policy: CategoryView['policy'] = {
    ttl: 21_600_000,
    grace: false,
    jitter: 0.1,
    negativeTtl: 60_000,
    l1: 30_000,
    mirror: true,
    onOutage: 'fail-closed',
    sensitive: true,
    maxBytes: 1_048_576,
    compressAbove: false,
    codec: 'keyv',
    schema: true,
    loader: false,
  }

  it('is said in words, each of its parts', () => {
    const facts = Object.fromEntries(policyFacts(policy))
    expect(facts).toMatchObject({
      ttl: '6 h',
      grace: 'none',
      jitter: '10 %',
      'negative ttl': '1 min',
      'copies in memory': 'for 30 s',
      'in an outage': 'calls are refused',
      'largest value': '1 MB',
      compressed: 'never',
      sensitive: expect.stringContaining('yes'),
    })
    expect(Object.keys(facts)).toHaveLength(Object.keys(policy).length)
  })
})

it('draws every figure of a minute somewhere', () => {
  const minute: MinuteView = {
    at: 0,
    reads: 1,
    writes: 2,
    hits: 3,
    misses: 4,
    stale: 5,
    computed: 6,
    errors: 7,
    p50: 8,
    p99: 9,
  }
  const drawn = chartKinds.flatMap((kind) => linesFor(kind, [minute]).flatMap(({ values }) => values))
  expect(drawn.sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
})
