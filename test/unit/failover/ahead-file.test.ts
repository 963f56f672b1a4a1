import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createAheadFile, frameOf, readAhead, textsIn } from '../../../src/failover/journal/ahead-file.ts'

let folder: string
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'motia-redis-ahead-')), 'deep', 'down')
})
afterEach(() => rmSync(join(folder, '..', '..'), { recursive: true, force: true }))

const lying = (): string[][] =>
  readdirSync(folder)
    .sort()
    .map((name) => readAhead(join(folder, name)))

describe('frames', () => {
  it('are read up to the first that is not whole, wherever they were cut off or spoilt', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 5 }), fc.nat(), fc.nat(255), (texts, cut, byte) => {
        const whole = Buffer.concat(texts.map(frameOf))
        expect(textsIn(whole)).toEqual(texts)
        const at = whole.length === 0 ? 0 : cut % whole.length
        expect(texts.slice(0, textsIn(whole.subarray(0, at)).length)).toEqual(textsIn(whole.subarray(0, at)))
        const spoilt = Buffer.from(whole)
        spoilt[at] = byte
        const read = textsIn(spoilt)
        expect(texts.slice(0, read.length)).toEqual(read)
        if (whole.length > 0 && spoilt[at] !== whole[at]) expect(read.length).toBeLessThan(texts.length)
        expect(textsIn(Buffer.concat([whole, Buffer.from([0, 0, 0, 9, 1])]))).toEqual(texts)
      }),
      { numRuns: 500 },
    )
  })
})

describe('the files of what goes ahead', () => {
  it('take turns: one is emptied while the other takes what comes', async () => {
    const file = createAheadFile(folder, 'me')
    const write = (text: string) => file.write(frameOf(text))
    await write('a')
    await write('b')
    file.turn()
    await write('c')
    expect(lying()).toEqual([['a', 'b'], ['c']])
    // The other isn't empty yet.
    file.turn()
    await write('d')
    expect(lying()).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ])
    await file.empty()
    expect(lying()).toEqual([[], ['c', 'd']])
    expect(file.size()).toBe(Buffer.concat(['c', 'd'].map(frameOf)).length)
    file.turn()
    await write('e')
    expect(lying()).toEqual([['e'], ['c', 'd']])
    expect(file.size()).toBe(frameOf('e').length)
    await file.close(false)
    expect(readdirSync(folder)).toEqual([])
  })

  it('are emptied only when what was under way has arrived, and stay where they hold something', async () => {
    const file = createAheadFile(folder, 'me')
    await file.write(frameOf('a'))
    const late = file.write(frameOf('x'.repeat(1_000_000)))
    file.turn()
    const emptied = file.empty()
    await file.write(frameOf('b'))
    await Promise.all([late, emptied])
    expect(lying()).toEqual([[], ['b']])
    await file.close(true)
    expect(lying()).toEqual([[], ['b']])
    writeFileSync(join(folder, 'torn'), readFileSync(join(folder, 'me.1')).subarray(0, 7))
    expect(readAhead(join(folder, 'torn'))).toEqual([])
    expect(readAhead(join(folder, 'gone'))).toEqual([])
  })
})
