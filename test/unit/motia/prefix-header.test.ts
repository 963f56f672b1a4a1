import { describe, expect, it } from 'vitest'
import { withPrefix } from '../../../src/motia/plugin/routes/prefix-header.ts'

const header = (sent: string | readonly string[]) => ({ 'x-motia-redis-prefix': sent })

describe('a prefix that comes as a header', () => {
  it('is the prefix of the question, whatever its letters are', () => {
    for (const prefix of ['session:1', '😀 ü', '100 %', '<script>'])
      expect(withPrefix({ category: 'user' }, header(encodeURIComponent(prefix)))).toEqual({ category: 'user', prefix })
  })

  it('goes before one of the URL', () => {
    expect(withPrefix({ prefix: 'a' }, header('b'))).toEqual({ prefix: 'b' })
  })

  it('is taken as it came where it is not encoded', () => {
    expect(withPrefix({}, header('100 %'))).toEqual({ prefix: '100 %' })
  })

  it('is checked like any other when it comes twice, and changes nothing when it does not come', () => {
    expect(withPrefix({}, header(['a', 'b']))).toEqual({ prefix: ['a', 'b'] })
    expect(withPrefix({ prefix: 'a' }, {})).toEqual({ prefix: 'a' })
  })
})
