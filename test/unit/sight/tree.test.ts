import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeValue } from '../../../src/codec/decode.ts'
import { encodeValue } from '../../../src/codec/encode.ts'
import type { TreeNode } from '../../../src/sight/contract.ts'
import { MOST_SHOWN, treeOf } from '../../../src/sight/tree.ts'

const leaf = (type: string, text: string): TreeNode => ({ type, text })

interface Measured {
  readonly shown: number
  readonly nodes: number
  readonly depth: number
  readonly most: number
  readonly longest: number
}

const measure = ({ type, text = '', children = [] }: TreeNode, label = ''): Measured => {
  const inner = children.map((child) => measure(child.node, child.label))
  return {
    shown: type.length + text.length + label.length + inner.reduce((sum, each) => sum + each.shown, 0),
    nodes: 1 + inner.reduce((sum, each) => sum + each.nodes, 0),
    depth: Math.max(0, ...inner.map(({ depth }) => depth + 1)),
    most: Math.max(children.length, ...inner.map(({ most }) => most)),
    longest: Math.max(text.length, ...inner.map(({ longest }) => longest)),
  }
}

const expectBounded = (tree: TreeNode, most = MOST_SHOWN): void => {
  const measured = measure(tree)
  expect(measured.shown).toBeLessThanOrEqual(most)
  expect(measured.nodes).toBeLessThanOrEqual(Math.max(1, most / 16))
  expect(measured.depth).toBeLessThanOrEqual(20)
  expect(measured.most).toBeLessThanOrEqual(200)
  expect(measured.longest).toBeLessThanOrEqual(10_000)
  expect(JSON.parse(JSON.stringify(tree))).toEqual(tree)
}

const nested = (depth: number): unknown => (depth === 0 ? 'end' : [nested(depth - 1)])

describe('a value as a tree', () => {
  it.each<[unknown, TreeNode]>([
    ['text', leaf('string', 'text')],
    ['', leaf('string', '')],
    [0, leaf('number', '0')],
    [-0, leaf('number', '-0')],
    [Number.NaN, leaf('number', 'NaN')],
    [Number.NEGATIVE_INFINITY, leaf('number', '-Infinity')],
    [12n, leaf('bigint', '12')],
    [false, leaf('boolean', 'false')],
    [null, leaf('null', 'null')],
    [undefined, leaf('undefined', 'undefined')],
    [new Date(0), leaf('Date', '1970-01-01T00:00:00.000Z')],
    [new Date(Number.NaN), leaf('Date', 'Invalid Date')],
    [/a"b/gi, leaf('RegExp', '/a"b/gi')],
    [new URL('https://example.com/ä?b=c'), leaf('URL', 'https://example.com/%C3%A4?b=c')],
    [new TypeError('bad'), leaf('Error', 'TypeError: bad')],
    [Buffer.from('hi'), leaf('Buffer', '6869')],
    [new Uint8Array([0, 255]), leaf('Uint8Array', '00ff')],
    [new Float64Array([1.5, -0]), leaf('Float64Array', '1.5, 0')],
    [Symbol('s'), leaf('symbol', 'Symbol(s)')],
    [() => 1, { type: 'function' }],
    [{}, { type: 'Object', children: [] }],
    [Object.create(null), { type: 'Object', children: [] }],
    [[], { type: 'Array', children: [] }],
  ])('shows %p as what it is', (value, tree) => {
    expect(treeOf(value)).toEqual(tree)
  })

  it('keeps the order of objects, lists, maps and sets', () => {
    const value = {
      b: [1, undefined],
      a: new Map<unknown, unknown>([
        ['1', 'text'],
        [1, 'number'],
        [1n, 'bigint'],
        [{ deep: true }, 'object'],
        [null, 'null'],
      ]),
      set: new Set(['x', 2]),
    }
    expect(treeOf(value)).toEqual({
      type: 'Object',
      children: [
        {
          label: 'b',
          node: {
            type: 'Array',
            children: [
              { label: '0', node: leaf('number', '1') },
              { label: '1', node: leaf('undefined', 'undefined') },
            ],
          },
        },
        {
          label: 'a',
          node: {
            type: 'Map',
            children: [
              { label: '"1"', node: leaf('string', 'text') },
              { label: '1', node: leaf('string', 'number') },
              { label: '1n', node: leaf('string', 'bigint') },
              { label: 'Object(1)', node: leaf('string', 'object') },
              { label: 'null', node: leaf('string', 'null') },
            ],
          },
        },
        {
          label: 'set',
          node: {
            type: 'Set',
            children: [
              { label: '0', node: leaf('string', 'x') },
              { label: '1', node: leaf('number', '2') },
            ],
          },
        },
      ],
    })
  })

  it('names the class of what has one', () => {
    class Money {
      amount = 3
    }
    expect(treeOf(new Money())).toEqual({
      type: 'Money',
      children: [{ label: 'amount', node: leaf('number', '3') }],
    })
  })

  it('cuts long texts, and says how long they are', () => {
    expect(treeOf('x'.repeat(10_001))).toEqual({ type: 'string', text: 'x'.repeat(10_000), of: 10_001 })
    const { text = '' } = treeOf(`${'x'.repeat(9_999)}😀😀`)
    expect(text).toBe('x'.repeat(9_999))
  })

  it('says how many bytes and elements there are where not all are shown', () => {
    expect(treeOf(Buffer.alloc(100_000))).toEqual({ type: 'Buffer', text: '00'.repeat(512), of: 100_000 })
    expect(treeOf(new Int32Array(513))).toMatchObject({ type: 'Int32Array', of: 513 })
  })

  it('shows 200 children of a node, and says how many there are', () => {
    const list = treeOf(Array.from({ length: 201 }, (_, i) => i))
    expect(list.children).toHaveLength(200)
    expect(list.of).toBe(201)
    expect(treeOf(Array.from({ length: 200 }, (_, i) => i)).of).toBeUndefined()
  })

  it('goes 20 levels deep', () => {
    const tree = treeOf(nested(50))
    expect(measure(tree).depth).toBe(20)
    let node: TreeNode | undefined = tree
    for (let i = 0; i < 20; i++) node = node?.children?.[0]?.node
    expect(node).toEqual({ type: 'Array', of: 1 })
  })

  it('shows what is at the top before what is deep or late', () => {
    const value = { first: Array.from({ length: 50 }, () => 'x'.repeat(9_000)), name: 'Ada', list: [1, 2] }
    const [first, name, list] = treeOf(value).children ?? []
    expect(name).toEqual({ label: 'name', node: leaf('string', 'Ada') })
    expect(list?.node.type).toBe('Array')
    expect(first?.node.children?.length).toBeLessThan(50)
    expect(first?.node.of).toBe(50)
  })

  it('never throws, and runs nothing of a proxy', () => {
    const hostile = {
      get bad(): never {
        throw new Error('no')
      },
      good: 1,
    }
    expect(treeOf(hostile)).toEqual({
      type: 'Object',
      children: [
        { label: 'bad', node: { type: 'unreadable' } },
        { label: 'good', node: leaf('number', '1') },
      ],
    })
    const ran: string[] = []
    const proxy = new Proxy(
      {},
      {
        ownKeys: () => {
          ran.push('ownKeys')
          return []
        },
      },
    )
    expect(treeOf(proxy)).toEqual({ type: 'Proxy' })
    expect(ran).toEqual([])
    const loop: Record<string, unknown> = {}
    loop.self = loop
    expectBounded(treeOf(loop))
    expectBounded(treeOf({ constructor: { name: { toString: () => 'x' } } }))
  })

  it('is bounded whatever the shape', () => {
    const wide = (levels: number): unknown =>
      levels === 0 ? 'leaf' : Array.from({ length: 12 }, () => wide(levels - 1))
    for (const value of [
      wide(5),
      { ['k'.repeat(100_000)]: 'v' },
      Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`${'k'.repeat(300)}${i}`, 'x'.repeat(500)])),
      new Map(Array.from({ length: 500 }, (_, i) => ['k'.repeat(50_000) + i, i])),
      '\0'.repeat(200_000),
      nested(900),
    ]) {
      expectBounded(treeOf(value))
      expectBounded(treeOf(value, 4_000), 4_000)
    }
  })

  it('shows any value that can be stored, within bounds and with its own types', async () => {
    const value = fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: false })
    await fc.assert(
      fc.asyncProperty(value, async (given) => {
        const tree = treeOf(given)
        expectBounded(tree)
        let stored: unknown
        try {
          stored = await decodeValue(await encodeValue(given, (message) => new Error(message)))
        } catch {
          return // It can't be stored.
        }
        expect(treeOf(stored)).toEqual(tree)
      }),
      { numRuns: 300 },
    )
  })
})
