import type { TreeNode } from './contract.js'
import { type Shape, shapeOf } from './tree-shapes.js'

/** Characters shown of one value: texts, labels, types, and something for each node. */
export const MOST_SHOWN = 100_000
const MOST_TEXT = 10_000
const MOST_CHILDREN = 200
const MOST_DEPTH = 20
const MOST_LABEL = 200
/** What a node takes besides. */
const NODE = 16

interface Draft {
  type: string
  text?: string
  children?: { label: string; node: Draft }[]
  of?: number
}

/**
 * Any value as a tree of bounded size, level by level, so that what is deep or late goes before what is at the top. Runs
 * no code of the value's except getters, and never throws.
 */
export const treeOf = (value: unknown, most = MOST_SHOWN): TreeNode => {
  let left = most

  /** Undefined: there is no room for another. */
  const draft = (label: string, shape: Shape): Draft | undefined => {
    const cost = NODE + label.length + shape.type.length
    if (cost > left) return undefined
    left -= cost
    const node: Draft = { type: shape.type }
    if (shape.text === undefined) return node
    node.text = cut(shape.text, Math.min(MOST_TEXT, left))
    left -= node.text.length
    const whole = shape.of ?? shape.text.length
    if (shape.of !== undefined || node.text.length < shape.text.length) node.of = whole
    return node
  }

  const first = shapeOf(value)
  const root = draft('', first) ?? { type: first.type }
  const open: { readonly node: Draft; readonly shape: Shape; readonly depth: number }[] = [
    { node: root, shape: first, depth: 0 },
  ]
  for (const { node, shape, depth } of open) {
    const { parts } = shape
    if (parts === undefined) continue
    if (depth === MOST_DEPTH) {
      if (parts.count > 0) node.of = parts.count
      continue
    }
    const children: { label: string; node: Draft }[] = []
    node.children = children
    for (const [name, part] of parts.first(MOST_CHILDREN)) {
      const label = name.length > MOST_LABEL ? `${cut(name, MOST_LABEL)}…` : name
      const inner = shapeOf(part)
      const child = draft(label, inner)
      if (child === undefined) break
      children.push({ label, node: child })
      open.push({ node: child, shape: inner, depth: depth + 1 })
    }
    if (children.length < parts.count) node.of = parts.count
  }
  return root
}

/** Not between the halves of a surrogate pair. */
const cut = (text: string, length: number): string => {
  if (text.length <= length) return text
  const last = text.charCodeAt(length - 1)
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? length - 1 : length)
}
