import { type Lane, type Link, linksOf, type Target, wordOf } from './lanes.js'

export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface LaidLane extends Box {
  readonly lane: Lane
  /** The names in it, broken into lines that fit. */
  readonly lines: readonly string[]
}

export interface LaidTarget extends Box {
  readonly target: Target
}

export interface LaidLink {
  readonly link: Link
  readonly path: string
  readonly labelAt: Point | undefined
}

export interface Layout {
  readonly width: number
  readonly height: number
  readonly lanes: readonly LaidLane[]
  readonly targets: readonly LaidTarget[]
  readonly links: readonly LaidLink[]
}

const PAD = 1
const GAP = 12
const HEAD = 44
const LINE = 17
const FOOT = 8
const TARGET = 66
/** Of the letters of a name, on average: lines are broken before they are drawn. */
const LETTER = 6.7
/** Between lanes and targets; less leaves no room for a word beside a way. */
const ROOM_FOR_WORDS = 110
/** Of the words beside ways, with a little air. */
const WORD_LETTER = 7
const WORD_HEIGHT = 14
/** Along a way, from 0 to 1: the best place for its word first. */
const NEAR_LANE = [0.3, 0.38, 0.22, 0.46, 0.54] as const
const NEAR_TARGET = [0.72, 0.64, 0.8, 0.56, 0.48, 0.4] as const

/** Puts lanes at the left, targets at the right and ways between them, into a picture of this width. */
export const layoutFlow = (lanes: readonly Lane[], targets: readonly Target[], width: number): Layout => {
  const laneWidth = Math.min(340, Math.max(132, width * 0.4))
  const targetWidth = Math.min(260, Math.max(112, width * 0.32))
  const linesOf = (lane: Lane): readonly string[] =>
    lane.id === 'state'
      ? []
      : wrap(
          lane.routes.map(({ name }) => name),
          Math.floor((laneWidth - 24) / LETTER),
        )
  const sizes = lanes.map((lane) => {
    const lines = linesOf(lane)
    return { lane, lines, height: HEAD + lines.length * LINE + (lines.length > 0 ? FOOT : 0) }
  })
  const laneTotal = total(sizes.map(({ height }) => height))
  const targetTotal = total(targets.map(() => TARGET))
  const height = Math.max(laneTotal, targetTotal) + 2 * PAD

  const laidLanes: LaidLane[] = stack(sizes, (height - laneTotal) / 2).map(({ item, y }) => {
    return { ...item, x: PAD, y, width: laneWidth }
  })
  const spread = targets.map((target) => ({ target, height: TARGET }))
  const laidTargets: LaidTarget[] = stack(spread, (height - targetTotal) / 2).map(({ item, y }) => {
    return { ...item, x: width - targetWidth - PAD, y, width: targetWidth }
  })
  return { width, height, lanes: laidLanes, targets: laidTargets, links: layLinks(laidLanes, laidTargets) }
}

const layLinks = (lanes: readonly LaidLane[], targets: readonly LaidTarget[]): readonly LaidLink[] => {
  const drawn = lanes.flatMap((from) =>
    linksOf(from.lane).flatMap((link) => {
      const to = targets.find(({ target }) => target.name === link.to)
      return to === undefined ? [] : [{ link, from, to }]
    }),
  )
  // Ways leave and arrive in the order of what is at their other end, so that fewer cross.
  const port = (box: Box, mine: typeof drawn, other: 'from' | 'to', one: (typeof drawn)[number]): number => {
    const sorted = [...mine].sort((a, b) => a[other].y - b[other].y)
    return box.y + ((sorted.indexOf(one) + 1) / (sorted.length + 1)) * box.height
  }
  const words: Box[] = []
  return drawn.map((one) => {
    const { link, from, to } = one
    const [x1, x2] = [from.x + from.width, to.x]
    const y1 = port(
      from,
      drawn.filter((other) => other.from === from),
      'to',
      one,
    )
    const y2 = port(
      to,
      drawn.filter((other) => other.to === to),
      'from',
      one,
    )
    const bend = (x2 - x1) / 2
    const at = (t: number): Point => pointAt(t, x1, y1, x2, y2)
    return {
      link,
      path: `M${r(x1)} ${r(y1)}C${r(x1 + bend)} ${r(y1)} ${r(x2 - bend)} ${r(y2)} ${r(x2)} ${r(y2)}`,
      labelAt: x2 - x1 < ROOM_FOR_WORDS ? undefined : wordAt(link, at, words),
    }
  })
}

/** Along its way, where it meets none of the words that are there; `taken` has it afterwards. */
const wordAt = (link: Link, at: (t: number) => Point, taken: Box[]): Point | undefined => {
  const word = wordOf(link)
  if (word === '') return undefined
  const size = { width: word.length * WORD_LETTER, height: WORD_HEIGHT }
  const boxAt = ({ x, y }: Point): Box => ({ x: x - size.width / 2, y: y - size.height, ...size })
  // Those of ways that don't serve stand near the lane, the others near the instance.
  const places = link.kind === 'away' || link.kind === 'refused' ? NEAR_LANE : NEAR_TARGET
  const free = places.find((t) => !taken.some((box) => meets(box, boxAt(at(t))))) ?? places[0]
  const point = at(free)
  taken.push(boxAt(point))
  return point
}

const meets = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height

interface Point {
  readonly x: number
  readonly y: number
}

/** Just above a way, at a parameter of its curve from 0 to 1. */
const pointAt = (t: number, x1: number, y1: number, x2: number, y2: number): Point => ({
  x: r(x1 + (x2 - x1) * (1.5 * t - 1.5 * t ** 2 + t ** 3)),
  y: r(y1 + (y2 - y1) * (3 * t ** 2 - 2 * t ** 3) - 5),
})

/** Breaks a list of names into lines of at most so many letters; a name that is longer is cut. */
export const wrap = (names: readonly string[], letters: number): readonly string[] => {
  const lines: string[] = []
  for (const name of names) {
    const word = name.length > letters ? `${name.slice(0, Math.max(1, letters - 1))}…` : name
    const last = lines.at(-1)
    if (last !== undefined && last.length + 3 + word.length <= letters) lines[lines.length - 1] = `${last} · ${word}`
    else lines.push(word)
  }
  return lines
}

const stack = <Item extends { readonly height: number }>(items: readonly Item[], top: number) => {
  let y = top
  return items.map((item) => {
    const placed = { item, y: r(y) }
    y += item.height + GAP
    return placed
  })
}

const total = (heights: readonly number[]): number =>
  heights.reduce((sum, height) => sum + height, 0) + Math.max(0, heights.length - 1) * GAP

const r = (value: number): number => Math.round(value * 10) / 10
