import { describe, expect, it } from 'vitest'
import { refusal } from '../../../src/motia/plugin/routes/guard.ts'
import { failureOf } from '../../../src/motia/workbench/api-failure.ts'

const TOKEN = 'x'.repeat(32)
const refused = (token: string | undefined, given?: string) => {
  const headers = { host: 'shop.example', ...(given !== undefined && { 'x-motia-redis-token': given }) }
  const locks = { token, readOnly: false, tokenOnly: false }
  return failureOf(403, { error: refusal({ method: 'GET', headers, from: '10.0.0.1' }, locks) })
}

describe('what the server refuses', () => {
  it('asks for the token where there is one, and says when it is another', () => {
    expect(refused(TOKEN)).toMatchObject({ kind: 'locked', token: 'asked' })
    expect(refused(TOKEN, 'guess')).toMatchObject({ kind: 'locked', token: 'refused' })
  })

  it('asks for none where the server has none', () => {
    const failure = refused(undefined)
    expect(failure).toEqual({ kind: 'locked', text: expect.stringContaining('set MOTIA_REDIS_TOKEN on the server') })
    expect(refused(undefined, 'guess')).toEqual(failure)
  })

  it('is no lock where a change is refused to everybody', () => {
    expect(failureOf(403, { error: 'the panel is read-only here' })).toEqual({
      kind: 'refused',
      text: 'The panel is read-only here.',
    })
    expect(failureOf(503, undefined)).toEqual({
      kind: 'away',
      text: 'The server has no answer to this (status 503).',
    })
  })
})
