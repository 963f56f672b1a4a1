import type { Change, KeysView } from '../../../sight/contract.js'
import { plural } from '../format.js'

/** How many entries a category has: counted where one page shows them all, else an estimate. */
export interface HowMany {
  readonly count: number
  readonly about: boolean
}

/** What is shown of the category's keys. */
interface Shown {
  readonly answer: KeysView | undefined
  readonly page: number
  readonly busy: boolean
  readonly turning: boolean
  readonly failure: object | undefined
}

/** `prefix`: what the keys are narrowed to; `estimate`: of the figures. Undefined: nobody knows. */
export const howMany = (
  { answer, page, busy, turning, failure }: Shown,
  prefix: string,
  estimate: number | undefined,
): HowMany | undefined => {
  const looked = prefix === '' && page === 1 && !busy && !turning && failure === undefined
  if (looked && answer?.cursor === undefined && answer?.enumerable === true && !answer.partial)
    return { count: answer.keys.length + answer.foreign, about: false }
  return estimate === undefined ? undefined : { count: estimate, about: true }
}

/** The question before a category is cleared, which names the count. */
export const clearingCategory = (category: string, many: HowMany | undefined, then: () => void) => {
  const count = many && `${many.about ? 'about ' : ''}${plural(many.count, 'entry', 'entries')}`
  return {
    title: `Clear ${category}?`,
    text:
      count === undefined
        ? `All entries of ${category} will be gone, on its home and wherever there are copies. How many there are isn't known.`
        : `${category} has ${count}, stale ones included. They will be gone, on its home and wherever there are copies.`,
    action: `Clear ${count ?? 'all entries'}`,
    change: { do: 'clear-category', category } satisfies Change,
    done: (removed: number | undefined): string =>
      removed === undefined ? `${category} is cleared.` : `${plural(removed, 'entry', 'entries')} cleared.`,
    then,
  }
}
