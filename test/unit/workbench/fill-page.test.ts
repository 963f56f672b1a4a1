import { describe, expect, it } from 'vitest'
import { fillPage } from '../../../src/motia/workbench/views/fill-page.ts'
import { slowestCalls } from '../../../src/motia/workbench/views/slowest-calls.ts'
import type { RunView } from '../../../src/sight/contract.ts'

interface Answer {
  readonly rows: readonly number[]
  readonly cursor: string | undefined
}

type Result = { readonly ok: true; readonly answer: Answer } | { readonly ok: false; readonly failure: typeof failure }

const failure = { kind: 'away', text: 'gone' } as const

const shape = {
  rows: ({ rows }: Answer) => rows.length,
  join: (before: Answer, after: Answer): Answer => ({ ...after, rows: [...before.rows, ...after.rows] }),
}

/** Answers one after the other; each but the last has more behind it. 'fails': no answer there. */
const server = (...answers: readonly (readonly number[] | 'fails')[]) => {
  const asked: (string | undefined)[] = []
  const ask = async (cursor: string | undefined): Promise<Result> => {
    asked.push(cursor)
    const at = Number(cursor ?? 0)
    const rows = answers[at] ?? []
    if (rows === 'fails') return { ok: false, failure }
    return { ok: true, answer: { rows, cursor: at + 1 < answers.length ? `${at + 1}` : undefined } }
  }
  return { ask, asked }
}

const always = (): boolean => true
const ignore = (): void => undefined

describe('fillPage', () => {
  it('asks on over empty answers until the page is full, and tells where to go on', async () => {
    const { ask, asked } = server([], [1], [], [2, 3], [4])
    const page = await fillPage(ask, shape, undefined, 3, always, ignore)
    expect(page).toEqual({ ok: true, answer: { rows: [1, 2, 3], cursor: '4' } })
    expect(asked).toEqual([undefined, '1', '2', '3'])
  })

  it('ends where nothing is left', async () => {
    const page = await fillPage(server([1], [], []).ask, shape, undefined, 50, always, ignore)
    expect(page).toEqual({ ok: true, answer: { rows: [1], cursor: undefined } })
  })

  it('goes on from where the page before ended', async () => {
    const { ask, asked } = server([1], [2], [3])
    await fillPage(ask, shape, '2', 50, always, ignore)
    expect(asked).toEqual(['2'])
  })

  it('stops when it took long enough, and shows what there is on the way', async () => {
    const seen: number[] = []
    let patience = 2
    const goOn = (): boolean => patience-- > 0
    const page = await fillPage(server([1], [2], [3], [4]).ask, shape, undefined, 50, goOn, ({ rows }) => {
      seen.push(rows.length)
    })
    expect(page).toEqual({ ok: true, answer: { rows: [1, 2, 3], cursor: '3' } })
    expect(seen).toEqual([1, 2])
  })

  it('what was found before a failure is kept, with the way to try again; nothing found is the failure', async () => {
    expect(await fillPage(server([1], 'fails').ask, shape, undefined, 50, always, ignore)).toEqual({
      ok: true,
      answer: { rows: [1], cursor: '1' },
    })
    expect(await fillPage(server([], 'fails').ask, shape, undefined, 50, always, ignore)).toEqual({
      ok: false,
      failure,
    })
  })

  it('never asks for ever', async () => {
    let asked = 0
    const endless = async (): Promise<Result> => {
      asked += 1
      return { ok: true, answer: { rows: [], cursor: 'more' } }
    }
    expect(await fillPage(endless, shape, undefined, 50, always, ignore)).toMatchObject({ ok: true })
    expect(asked).toBe(100)
  })
})

describe('slowestCalls', () => {
  const cache = { calls: 1, hits: 1, misses: 0, errors: 0, ms: 1 }
  const run = (id: number, ...times: number[]): RunView => ({
    ...{ id, step: 'a', traceId: undefined, at: 0, ms: 1, outcome: 'ok', cache },
    slowest: times.map((ms) => ({ operation: 'get', category: 'menu', ms })),
  })

  it('are the ten slowest of all runs, slowest first, each with its run', () => {
    const found = slowestCalls([run(1, 5, 3, 1), run(2, 4), run(3, 9, 8, 7, 6, 2), run(4, 10, 11)])
    expect(found.map(({ ms, run: of }) => [ms, of.id])).toEqual([
      [11, 4],
      [10, 4],
      [9, 3],
      [8, 3],
      [7, 3],
      [6, 3],
      [5, 1],
      [4, 2],
      [3, 1],
      [2, 3],
    ])
    expect(new Set(found.map(({ id }) => id)).size).toBe(10)
  })
})
