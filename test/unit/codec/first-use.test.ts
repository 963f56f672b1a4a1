import { expect, it } from 'vitest'
import { encodeValue } from '../../../src/codec/encode.ts'
import type { Encoded } from '../../../src/codec/payload.ts'
import { fail } from './support.ts'

// One test, alone in its file: superjson is loaded once per process, and this is about the time before.
it('the first value that needs superjson is taken as it is at the call, and nothing overtakes it', async () => {
  expect(encodeValue({ plain: true }, fail)).toEqual({ json: '{"plain":true}' })

  const value = { at: new Date(1), list: [1], map: new Map([['a', { n: 1 }]]) }
  const rich = encodeValue(value, fail)
  const plain = { n: 1 }
  const after = encodeValue(plain, fail)
  const colon = encodeValue(':x', fail)
  expect([rich, after, colon].every((each) => each instanceof Promise)).toBe(true)
  value.at.setTime(99)
  value.list.push(2)
  value.map.clear()
  plain.n = 2

  const order: string[] = []
  const note = (name: string, encoded: Encoded | Promise<Encoded>) =>
    Promise.resolve(encoded).then(({ json }) => {
      order.push(name)
      return json
    })
  const texts = await Promise.all([note('rich', rich), note('after', after), note('colon', colon)])
  expect(order).toEqual(['rich', 'after', 'colon'])
  expect(texts.map((text) => JSON.parse(text))).toEqual([
    { at: '1970-01-01T00:00:00.001Z', list: [1], map: [['a', { n: 1 }]] },
    { n: 1 },
    '::x',
  ])
  // From now on nobody waits.
  expect(encodeValue({ plain: true }, fail)).toEqual({ json: '{"plain":true}' })
  expect(encodeValue(new Date(1), fail)).toMatchObject({ json: '"1970-01-01T00:00:00.001Z"' })
})
