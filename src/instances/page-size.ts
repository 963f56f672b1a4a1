import { InstanceError } from './caller.js'

/** Characters that a page should hold at most: as many as one value may have, since both have the same deadline. */
const WANTED = 1024 * 1024
const MOST = 1_000
/** Of unknown values, and of those known to be large. */
const FIRST = { small: 16, large: 4 }
const STEP = 8

/**
 * How many values to ask for in one round trip, learned from those that came: a thousand small ones are one good page,
 * and a thousand large ones would miss every deadline.
 */
export interface PageSize {
  next(): number
  /** A page came, in time or not: how many values it held, and how many characters in all. */
  came(count: number, length: number): void
  /** A page was not there by its deadline. */
  missed(): void
}

export const createPageSize = (values: 'small' | 'large'): PageSize => {
  let size = FIRST[values]
  return {
    next: () => size,
    came: (count, length) => {
      if (count === 0) return
      const fitting = Math.max(1, Math.floor((WANTED * count) / Math.max(1, length)))
      size = Math.min(MOST, fitting, size * STEP)
    },
    missed: () => {
      size = Math.max(1, Math.floor(size / STEP))
    },
  }
}

/** Watches whether a page comes in time. */
export const paged = <T>(pages: PageSize, page: Promise<T>): Promise<T> =>
  page.catch((error) => {
    if (error instanceof InstanceError && error.kind === 'timeout') pages.missed()
    throw error
  })
