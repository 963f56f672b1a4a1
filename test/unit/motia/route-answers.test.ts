import { describe, expect, it } from 'vitest'
import { createAnswers } from '../../../src/motia/plugin/routes/answers.ts'
import { Away, Forbidden, Refused } from '../../../src/sight/refused.ts'
import type { Sight } from '../../../src/sight/sight.ts'

const collect = () => {
  const errors: string[] = []
  const nothing = () => undefined
  return { errors, report: { info: nothing, warn: nothing, error: (line: string) => void errors.push(line) } }
}

/** Answers of a sight of which everything fails like that. */
const failing = (error: unknown) => {
  const { errors, report } = collect()
  const fail = () => Promise.reject(error)
  const sight: Sight = {
    ...{ overview: fail, categories: fail, keys: fail, entry: fail, count: fail, groups: fail, items: fail },
    ...{ processes: fail, hot: fail, change: fail },
  }
  const workflows = () => ({ now: 1, steps: [], runs: [], hour: [] })
  return { errors, answers: createAnswers({ sight: async () => sight, workflows, report }) }
}

describe('what a question is answered', () => {
  it.each([
    [400, new Refused('no such thing'), 'no such thing'],
    [403, new Forbidden('not here'), 'not here'],
    [503, new Away('primary: it is away'), 'primary: it is away'],
  ])('%s by what it met, and the log says nothing', async (status, error, text) => {
    const { answers, errors } = failing(error)
    expect(await answers.see('overview', {})).toEqual({ status, body: { error: text } })
    const change = { do: 'clear-category', category: 'menu' }
    expect(await answers.change(change)).toEqual({ status, body: { error: text } })
    expect(errors).toEqual([])
  })

  it('of a fault of ours the log says what it was, once, and the answer does not', async () => {
    const { answers, errors } = failing(new TypeError('x of undefined, with secret'))
    for (let n = 0; n < 3; n++) {
      const { status, body } = await answers.see('overview', {})
      expect(status).toBe(500)
      expect(JSON.stringify(body)).not.toContain('secret')
    }
    expect(errors).toEqual(['a question of the panel failed: x of undefined, with secret'])
  })

  it('runs of steps are answered beside the sight', async () => {
    const { answers } = failing(new Error('not asked'))
    expect(await answers.see('workflows', {})).toMatchObject({ status: 200, body: { now: 1, runs: [] } })
  })

  it('while the tiers cannot be opened it is 503, and the next question tries again', async () => {
    const { report } = collect()
    let opened = 0
    const sight = async (): Promise<Sight> => {
      opened++
      throw new Error('MOTIA_REDIS_DIR is of another machine')
    }
    const answers = createAnswers({ sight, workflows: () => ({ now: 1, steps: [], runs: [], hour: [] }), report })
    for (let n = 0; n < 2; n++)
      expect(await answers.see('hot', {})).toEqual({
        status: 503,
        body: { error: "the tiers can't be opened: MOTIA_REDIS_DIR is of another machine" },
      })
    expect(opened).toBe(2)
  })

  it('what is asked wrongly never gets as far as that', async () => {
    const { answers, errors } = failing(new Error('asked'))
    for (const [view, query] of [
      ['keys', {}],
      ['keys', { category: ['menu', 'user'] }],
      ['keys', { category: 'menu', limit: '1e9' }],
      ['toString', {}],
      ['', {}],
      ['overview', 'text'],
    ] as const) {
      expect(await answers.see(view, query)).toMatchObject({ status: 400, body: { error: expect.any(String) } })
    }
    for (const body of [undefined, null, 'text', [], {}, { do: 'flush' }])
      expect(await answers.change(body)).toMatchObject({ status: 400 })
    expect(errors).toEqual([])
  })
})
